"""Message handlers of the agents: measure findings, perform tasks as long as there are slots."""

from typing import Any

from faststream.nats import NatsRouter

from services.agents import usecases
from services.agents.usecases import AgentDeps
from shared.contracts.commands import MeasureFindings
from shared.contracts.streams import FINDINGS_COMMANDS, TASK_CONSUMERS
from shared.contracts.work import PerformTask
from shared.messaging.consumers import of_type, reject_unknown, subscriber_options
from shared.messaging.pull_workers import PullWorker


def handlers(deps: AgentDeps) -> NatsRouter:
    """Return the subscriber that measures."""
    router = NatsRouter()
    findings = router.subscriber(FINDINGS_COMMANDS.filter, **subscriber_options(FINDINGS_COMMANDS))

    @findings(filter=of_type(MeasureFindings))
    async def do_measure_findings(command: MeasureFindings) -> None:
        """Measure a commit with all detectors, unless known; publish the end or the failure."""
        await usecases.measure_findings(command, deps)

    findings(reject_unknown)
    return router


def pull_workers(deps: AgentDeps) -> tuple[PullWorker[Any], ...]:
    """Return what takes tasks, per priority and agent type, while there are slots for agents."""

    async def do_perform_task(command: PerformTask) -> None:
        """Run the agent of a task that the coordinator has assigned."""
        await usecases.perform_task(command, deps)

    return tuple(
        PullWorker(consumer, PerformTask, do_perform_task, lambda _: deps.slots.has_room())
        for consumer in TASK_CONSUMERS
    )
