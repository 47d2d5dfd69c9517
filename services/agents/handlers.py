"""Message handlers of the agents: measure and import findings, perform tasks."""

from typing import Any

from faststream.nats import NatsRouter
from faststream.nats.annotations import NatsMessage

from services.agents import usecases
from services.agents.usecases import AgentDeps
from shared.contracts.base import Priority
from shared.contracts.commands import ImportFindings, MeasureFindings
from shared.contracts.streams import FINDINGS_COMMANDS, task_consumer
from shared.contracts.work import PerformTask
from shared.kernel.extensions import agent_type_names
from shared.messaging.consumers import of_type, reject_unknown, subscriber_options, with_id
from shared.messaging.pull_workers import PullWorker, Turns


def handlers(deps: AgentDeps) -> NatsRouter:
    """Return the subscriber that measures and imports."""
    router = NatsRouter()
    findings = router.subscriber(FINDINGS_COMMANDS.filter, **subscriber_options(FINDINGS_COMMANDS))

    @findings(filter=of_type(MeasureFindings))
    async def do_measure_findings(command: MeasureFindings) -> None:
        """Measure a commit with all detectors, unless known; publish the end or the failure."""
        await usecases.measure_findings(command, deps)

    @findings(filter=of_type(ImportFindings))
    async def do_import_findings(command: ImportFindings, message: NatsMessage) -> None:
        """Store what the log of another tool reports; publish that, or why it cannot be."""
        await usecases.import_findings(with_id(command, "import_id", message), deps)

    findings(reject_unknown)
    return router


def pull_workers(deps: AgentDeps) -> tuple[PullWorker[Any], ...]:
    """Return what takes tasks, per priority and agent type, while there are slots for agents.

    What is critical gets a free slot first, and what is low last.
    """
    ranks = {each: rank for rank, each in enumerate(Priority)}
    turns = Turns(last_rank=len(ranks) - 1)

    async def do_perform_task(command: PerformTask) -> None:
        """Run the agent of a task that the coordinator has assigned."""
        await usecases.perform_task(command, deps)

    return tuple(
        PullWorker(
            task_consumer(priority, agent_type),
            PerformTask,
            do_perform_task,
            lambda _: deps.slots.has_room(),
            turns,
            ranks[priority],
        )
        for priority in Priority
        for agent_type in agent_type_names()
    )
