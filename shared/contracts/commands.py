"""Commands (`gs.cmd.>`, durable) and requests (`gs.rpc.>`, answered)."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from shared.contracts.base import (
    ALL,
    AgentTypeName,
    Id,
    Message,
    Oid,
    Priority,
    Sha256,
    Value,
    WaveSize,
)

Decision = Literal["approve", "reject"]
Reason = Annotated[str, StringConstraints(max_length=2000)]


class StartWave(Message):
    """Start a wave on a target: a path, a URL or an id. It may be omitted where only one is known.

    `base` is the branch to improve, by default the one that is checked out.
    """

    subject: ClassVar[str] = "gs.cmd.wave.start"
    target: str | None = Field(default=None, max_length=4096)
    base: str | None = Field(default=None, max_length=255)
    size: WaveSize = WaveSize.SMALL
    focus: AgentTypeName = ALL
    components: tuple[str, ...] = Field(default=(), max_length=200)
    dry_run: bool = False
    wave_id: Id | None = None


class StopWave(Message):
    """Stop a wave, or every open wave: no new task starts and nothing more lands."""

    subject: ClassVar[str] = "gs.cmd.wave.stop"
    wave_id: Id | None = None
    reason: Reason = "stopped by request"


class RollbackEnhancement(Message):
    """Revert one landed enhancement by a commit that is validated first.

    With `dependents`, changes that depend on it are reverted too.
    """

    subject: ClassVar[str] = "gs.cmd.enhancement.rollback"
    enhancement_id: Id
    reason: Reason = "rolled back by request"
    dependents: bool = False


class RollbackEnhancements(Message):
    """Revert everything that a wave landed, or that landed since a time; all of it or nothing.

    With `dependents`, later changes that depend on it are reverted too; otherwise they are a reason
    to refuse.
    """

    subject: ClassVar[str] = "gs.cmd.enhancement.rollback_all"
    rollback_id: Id
    target_id: Id
    wave_id: Id | None = None
    since: AwareDatetime | None = None
    reason: Reason = "rolled back by request"
    dependents: bool = False

    @model_validator(mode="after")
    def _names_something(self) -> "RollbackEnhancements":
        """Raise ValueError unless a wave or a time says what to roll back."""
        if self.wave_id is None and self.since is None:
            raise ValueError("either wave_id or since is required")
        return self


class GivenDecision(Value):
    """The reason for a decision, and who made it."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
    by: str = Field(default="", max_length=200)


class ApprovalFilter(Value):
    """Changes that need approval: of a target (its id or location), a rule and a component.

    What is empty selects all; a rule is named `tool:code`, or by its code alone.
    """

    target: str = Field(default="", max_length=4096)
    rule: str = Field(default="", max_length=200)
    component: str = Field(default="", max_length=200)


class DecisionOnMany(GivenDecision, ApprovalFilter):
    """One decision about all changes that need approval and that the filter selects."""


class DecisionReason(GivenDecision):
    """The reason for a decision, who made it, and for which patch (by default the present one)."""

    patch: Sha256 | None = None


class DecideEnhancement(Message):
    """Approve or reject a change that needs approval; with `patch`, only if that is its patch."""

    subject: ClassVar[str] = "gs.cmd.enhancement.decide"
    enhancement_id: Id
    decision: Decision
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
    by: str = Field(default="", max_length=200)
    patch: Sha256 | None = None


class RollbackOptions(Value):
    """The reason for a rollback, and whether changes that depend on it are reverted too."""

    reason: Reason = ""
    dependents: bool = False


class RollbackSince(RollbackOptions):
    """Revert everything that landed on a target (its id or its location) since a time.

    `base` chooses one of several base branches that were improved at a location.
    """

    target: str = Field(max_length=4096)
    since: AwareDatetime
    base: str | None = Field(default=None, max_length=255)


class RunBaseline(Message):
    """Have the validator build the environment and run the full suite on `commit`."""

    subject: ClassVar[str] = "gs.cmd.baseline.run"
    target_id: Id
    wave_id: Id
    commit: Oid


class MeasureFindings(Message):
    """Have the agents run the detectors on `commit`, at the start or the end of the wave."""

    subject: ClassVar[str] = "gs.cmd.findings.measure"
    target_id: Id
    wave_id: Id
    commit: Oid
    moment: Literal["before", "after"]


class LogOrigin(Value):
    """Whose log it is: that of a repository (path, URL or id), by a name of its own.

    A log takes the place of an earlier one of that name. Absolute addresses in it are below `root`,
    by default where the repository is.
    """

    target: str = Field(min_length=1, max_length=4096)
    base: str | None = Field(default=None, max_length=255)
    name: str = Field(default="log", min_length=1, max_length=200)
    root: str = Field(default="", max_length=4096)


class ImportFindings(LogOrigin, Message):
    """Store what a SARIF log of another tool reports about a target.

    The log is given as it is, or by the sha256 under which it is stored.
    """

    subject: ClassVar[str] = "gs.cmd.findings.import"
    log: dict[str, Any] | None = None
    report: Sha256 | None = None
    import_id: Id | None = None

    @model_validator(mode="after")
    def _has_one_log(self) -> "ImportFindings":
        """Raise ValueError unless there is exactly one log."""
        if (self.log is None) == (self.report is None):
            raise ValueError("either log or report is required")
        return self


class BacktestScope(Value):
    """The commits to replay: the newest `limit` since a revision of a repository (path or URL).

    `base` is the branch whose history it is, by default the one that is checked out.
    """

    target: str = Field(min_length=1, max_length=4096)
    base: str | None = Field(default=None, max_length=255)
    since: str = Field(min_length=1, max_length=255)
    limit: int = Field(default=200, ge=1, le=1000)


class BacktestTarget(BacktestScope, Message):
    """Replay the history of a target through the gate; nothing lands.

    The same `backtest_id` again is the same backtest.
    """

    subject: ClassVar[str] = "gs.cmd.target.backtest"
    backtest_id: Id | None = None


class StopBacktest(Message):
    """Stop a backtest. What it has measured is kept and never measured again."""

    subject: ClassVar[str] = "gs.cmd.target.stop_backtest"
    backtest_id: Id


class GetWaves(Message):
    """List the waves, newest first."""

    subject: ClassVar[str] = "gs.rpc.wave.list"
    limit: int = Field(default=20, ge=1, le=500)


class GetWave(Message):
    """Return one wave with its tasks, by default the newest."""

    subject: ClassVar[str] = "gs.rpc.wave.show"
    wave_id: Id | None = None


class GetAgents(Message):
    """List the deployed agents; with `active`, only those whose waves go on."""

    subject: ClassVar[str] = "gs.rpc.agents.list"
    active: bool = False


class GetStatus(Message):
    """Count what is open, by kind and state."""

    subject: ClassVar[str] = "gs.rpc.status"


class AcquireLease(Message):
    """Request the right to change these path patterns, all or nothing.

    A claim that is refused keeps its place before later ones of its priority as long as it is made
    again within half a minute.
    """

    subject: ClassVar[str] = "gs.rpc.lease.acquire"
    target_id: Id
    wave_id: Id
    task_id: Id
    component: str
    paths: tuple[str, ...]
    priority: Priority = Priority.NORMAL


class ExtendLease(Message):
    """Request more paths for a lease held under `epoch`, which is granted or refused at once."""

    subject: ClassVar[str] = "gs.rpc.lease.extend"
    target_id: Id
    task_id: Id
    epoch: int
    paths: tuple[str, ...] = Field(min_length=1)


class RenewLease(Message):
    """Renew a lease that is held under `epoch`."""

    subject: ClassVar[str] = "gs.rpc.lease.renew"
    target_id: Id
    task_id: Id
    epoch: int


class ReleaseLease(Message):
    """End the lease of a task; releasing it twice is the same as once."""

    subject: ClassVar[str] = "gs.rpc.lease.release"
    target_id: Id
    task_id: Id


class LeaseGrant(Value):
    """The answer about a lease that was requested: its epoch, or the reason for refusing it."""

    granted: bool
    epoch: int = 0
    reason: str = ""
