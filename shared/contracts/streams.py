"""Streams and durable consumers of JetStream, declared once for `shared.messaging.provision`."""

from dataclasses import dataclass
from enum import StrEnum

from shared.contracts.base import Priority
from shared.contracts.events import (
    ApprovalRequested,
    EnhancementAdvised,
    EnhancementApplied,
    EnhancementCleared,
    EnhancementExpired,
    EnhancementRejected,
    EnhancementRolledBack,
    EnhancementSuperseded,
    EnvironmentBuilt,
    FindingsMeasured,
    LeaseExpired,
    LeaseReleased,
    MeasurementFailed,
    TaskFinished,
    TaskProposed,
    WaveEvent,
)
from shared.kernel.extensions import agent_type_names

DAY = 24 * 3600.0


class Retention(StrEnum):
    """When a stream drops a message: once it is consumed, or at its limits."""

    WORK_QUEUE = "workqueue"
    LIMITS = "limits"


@dataclass(frozen=True)
class Stream:
    """A JetStream stream. `max_age` is in seconds; 0 is without limit."""

    name: str
    subjects: tuple[str, ...]
    retention: Retention
    max_age: float = 0
    max_messages: int = 1_000_000
    max_bytes: int = 1 << 30


@dataclass(frozen=True)
class Consumer:
    """A durable pull consumer of the messages whose subject matches `filter`.

    Where `filter_subjects` is given, only these subjects of `filter` are delivered. `ack_wait` is
    in seconds; longer work renews it while it goes on.
    """

    name: str
    stream: str
    filter: str
    filter_subjects: tuple[str, ...] = ()
    ack_wait: float = 10.0
    max_ack_pending: int = 16

    @property
    def service(self) -> str:
        """The service that handles the messages: the first word of the name."""
        return self.name.partition("-")[0]


COMMANDS = Stream(
    "GS_COMMANDS",
    (
        "gs.cmd.wave.*",
        "gs.cmd.infinite.*",
        "gs.cmd.baseline.*",
        "gs.cmd.findings.*",
        "gs.cmd.enhancement.*",
        "gs.cmd.target.*",
    ),
    Retention.WORK_QUEUE,
)
# Concrete subjects: a task of a type that is not registered is refused when it is published.
TASKS = Stream(
    "GS_TASKS",
    tuple(
        f"gs.task.{priority}.{agent_type}"
        for priority in Priority
        for agent_type in agent_type_names()
    ),
    Retention.WORK_QUEUE,
)
PROPOSALS = Stream(
    "GS_PROPOSALS", ("gs.proposal.submitted", "gs.proposal.cleared"), Retention.WORK_QUEUE
)
RUNS = Stream("GS_RUNS", ("gs.run.*",), Retention.WORK_QUEUE)
EVENTS = Stream("GS_EVENTS", ("gs.evt.>",), Retention.LIMITS, max_age=7 * DAY)
DEAD_LETTERS = Stream("GS_DLQ", ("gs.dlq.>",), Retention.LIMITS, max_age=30 * DAY)

STREAMS = (COMMANDS, TASKS, PROPOSALS, RUNS, EVENTS, DEAD_LETTERS)

# A work queue refuses consumers whose filters overlap, so a noun's commands share one consumer and
# the handler tells the verbs apart; an unknown verb becomes a dead letter.
WAVE_COMMANDS = Consumer("coordinator-wave", COMMANDS.name, "gs.cmd.wave.*")
INFINITE_COMMANDS = Consumer("coordinator-infinite", COMMANDS.name, "gs.cmd.infinite.*")
BASELINE_COMMANDS = Consumer("validator-baseline", COMMANDS.name, "gs.cmd.baseline.*")
FINDINGS_COMMANDS = Consumer("agents-findings", COMMANDS.name, "gs.cmd.findings.*")
ENHANCEMENT_COMMANDS = Consumer("validator-enhancement", COMMANDS.name, "gs.cmd.enhancement.*")
TARGET_COMMANDS = Consumer("validator-target", COMMANDS.name, "gs.cmd.target.*")
PROPOSALS_SUBMITTED = Consumer("resolver-submitted", PROPOSALS.name, "gs.proposal.submitted")
PROPOSALS_CLEARED = Consumer("validator-cleared", PROPOSALS.name, "gs.proposal.cleared")
# Every core of a few machines may execute a run.
RUN_REQUESTS = Consumer("validator-runs", RUNS.name, "gs.run.*", max_ack_pending=256)
# Each of these can change what a wave does next. Everything else on the event stream, which may be
# hundreds of events a minute, would only make the coordinator read the same state again.
WAVE_ADVANCING_EVENTS: tuple[type[WaveEvent], ...] = (
    FindingsMeasured,
    TaskProposed,
    TaskFinished,
    EnhancementCleared,
    EnhancementApplied,
    EnhancementRejected,
    EnhancementExpired,
    EnhancementSuperseded,
    EnhancementAdvised,
    EnhancementRolledBack,
    ApprovalRequested,
    LeaseReleased,
    LeaseExpired,
)
EVENTS_FOR_COORDINATOR = Consumer(
    "coordinator-events",
    EVENTS.name,
    "gs.evt.>",
    filter_subjects=(
        MeasurementFailed.subject,
        EnvironmentBuilt.subject,
        *(each.subject for each in WAVE_ADVANCING_EVENTS),
    ),
)


def task_consumer(priority: Priority, agent_type: str) -> Consumer:
    """Return the consumer of one priority and agent type, as JetStream has no priorities."""
    return Consumer(
        f"agents-{priority}-{agent_type}", TASKS.name, f"gs.task.{priority}.{agent_type}"
    )


TASK_CONSUMERS = tuple(task_consumer(p, t) for p in Priority for t in agent_type_names())

CONSUMERS = (
    WAVE_COMMANDS,
    INFINITE_COMMANDS,
    BASELINE_COMMANDS,
    FINDINGS_COMMANDS,
    ENHANCEMENT_COMMANDS,
    TARGET_COMMANDS,
    PROPOSALS_SUBMITTED,
    PROPOSALS_CLEARED,
    RUN_REQUESTS,
    EVENTS_FOR_COORDINATOR,
    *TASK_CONSUMERS,
)
