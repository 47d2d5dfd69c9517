"""What requests are answered with, on `gs.rpc.>` and over HTTP."""

from datetime import datetime

from pydantic import Field

from shared.contracts.base import Id, Oid, Value
from shared.contracts.documents.findings import Finding
from shared.contracts.views import AgentView, WaveView


class WaveAccepted(Value):
    """The wave is stored and will run. `notes` are sentences for people."""

    wave_id: Id
    target_id: Id
    commit: Oid
    base_branch: str
    landing_branch: str
    notes: tuple[str, ...] = ()


class WaveList(Value):
    """Waves, newest first."""

    waves: tuple[WaveView, ...]


class StoppedWaves(Value):
    """The ids of the waves that were stopped."""

    waves: tuple[Id, ...]


class AgentList(Value):
    """Deployed agents, with what each is at."""

    agents: tuple[AgentView, ...]


class Status(Value):
    """Counts: of processes that run agents by agent type, and of what is unfinished by state."""

    workers: dict[str, int] = Field(default_factory=dict)
    agents: dict[str, int]
    waves: dict[str, int]
    tasks: dict[str, int]
    enhancements: dict[str, int]


class Acknowledgement(Value):
    """What was requested is done, now or by an earlier request."""

    done: bool = True


class WaveOpened(WaveAccepted):
    """A wave accepted over HTTP.

    Its events have greater sequence numbers in the event stream than `events_after`.
    """

    events_after: int


class RollbackAccepted(Value):
    """The rollback of one change is requested; events about it come after `events_after`."""

    enhancement_id: Id
    wave_id: Id
    events_after: int


class RollbacksAccepted(Value):
    """The rollback of several changes is requested; it ends with a `RollbackFinished` of its id."""

    rollback_id: Id
    events_after: int


class BacktestAccepted(Value):
    """A backtest, or its end, is requested; it ends with a `BacktestFinished` of its id."""

    backtest_id: Id
    events_after: int


class ImportedLog(Value):
    """A log of another tool that was imported, and how many findings are in it."""

    name: str
    findings: int
    imported_at: datetime


class FindingList(Value):
    """The findings of a target that were asked for, of `total` that fit, and the imported logs.

    `commit` is where the others were measured last; None if they never were.
    """

    target_id: Id
    location: str
    commit: Oid | None
    measured_at: datetime | None
    total: int
    findings: tuple[Finding, ...]
    logs: tuple[ImportedLog, ...] = ()


class ImportAccepted(Value):
    """An import is requested; it ends with a `FindingsImported` of its id."""

    import_id: Id
    events_after: int


class DecisionAccepted(Value):
    """A person's decision is published; what follows from it comes after `events_after`."""

    enhancement_id: Id
    wave_id: Id
    events_after: int


class DecisionsAccepted(Value):
    """One decision about several changes is published."""

    items: tuple[DecisionAccepted, ...]


class Readiness(Value):
    """The services that answer."""

    services: tuple[str, ...]
