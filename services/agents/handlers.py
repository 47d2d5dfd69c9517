"""Message handlers of the agents: measure findings, perform tasks."""

from faststream.nats import NatsRouter

from services.agents import usecases
from services.agents.usecases import AgentDeps
from shared.contracts.commands import MeasureFindings
from shared.contracts.streams import FINDINGS_COMMANDS, TASK_CONSUMERS
from shared.contracts.work import PerformTask
from shared.messaging.consumers import of_type, reject_unknown, subscriber_options


def handlers(deps: AgentDeps) -> NatsRouter:
    """Return the subscribers: one that measures, and one per priority and registered agent type."""
    router = NatsRouter()
    findings = router.subscriber(FINDINGS_COMMANDS.filter, **subscriber_options(FINDINGS_COMMANDS))

    @findings(filter=of_type(MeasureFindings))
    async def do_measure_findings(command: MeasureFindings) -> None:
        """Measure a commit with all detectors, unless known; publish the end or the failure."""
        await usecases.measure_findings(command, deps)

    findings(reject_unknown)

    async def do_perform_task(command: PerformTask) -> None:
        """Perform a task that the coordinator has assigned, and publish how it ended."""
        await usecases.perform_task(command, deps)

    for consumer in TASK_CONSUMERS:
        router.subscriber(consumer.filter, **subscriber_options(consumer))(do_perform_task)
    return router
