"""Commands (`gs.cmd.>`, durable) and the same as RPC (`gs.rpc.>`, answered)."""

from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from shared.contracts.base import ALL, AgentTypeName, Id, Message, Oid, Sha256, Value, WaveSize

Decision = Literal["approve", "reject"]
Reason = Annotated[str, StringConstraints(max_length=2000)]


class StartWave(Message):
    """Start a wave on a target: a path, a url or an id; may be left out where only one is known.

    `base` is the branch to improve; without it the one that is checked out.
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
    """Stop a wave: no new task starts, nothing more lands. Without an id: every open wave."""

    subject: ClassVar[str] = "gs.cmd.wave.stop"
    wave_id: Id | None = None
    reason: Reason = "stopped by request"


class RollbackEnhancement(Message):
    """Take one landed enhancement off the landing branch again, by a validated revert."""

    subject: ClassVar[str] = "gs.cmd.enhancement.rollback"
    enhancement_id: Id
    reason: Reason = "rolled back by request"
    dependents: bool = False


class RollbackEnhancements(Message):
    """Take off all that a wave landed, or all that landed since a time; all of it or nothing.

    With `dependents` later changes that need them go as well; without it they are a reason to refuse.
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
        if self.wave_id is None and self.since is None:
            raise ValueError("wave_id or since must say what is to be rolled back")
        return self


class DecisionReason(Value):
    """What a person says with a decision: why, who, and about which patch (without it: the present one)."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
    by: str = Field(default="", max_length=200)
    patch: Sha256 | None = None


class DecideEnhancement(Message):
    """A person's answer to a change that needs approval. With `patch`, only if that is its patch."""

    subject: ClassVar[str] = "gs.cmd.enhancement.decide"
    enhancement_id: Id
    decision: Decision
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
    by: str = Field(default="", max_length=200)
    patch: Sha256 | None = None


class RollbackOptions(Value):
    """How something is taken off: why, and whether what depends on it may go as well."""

    reason: Reason = ""
    dependents: bool = False


class RollbackSince(RollbackOptions):
    """All that landed on a target (its id or its location) since a time."""

    target: str = Field(max_length=4096)
    since: AwareDatetime


class RunBaseline(Message):
    """To the validator: build the environment and run the suite on `commit` (the baseline)."""

    subject: ClassVar[str] = "gs.cmd.baseline.run"
    target_id: Id
    wave_id: Id
    commit: Oid


class MeasureFindings(Message):
    """To the agents: run the detectors on `commit`. `moment` says which end of the wave it is."""

    subject: ClassVar[str] = "gs.cmd.findings.measure"
    target_id: Id
    wave_id: Id
    commit: Oid
    moment: Literal["before", "after"]


class BacktestScope(Value):
    """What is replayed: of a repository (its path or url) the commits since a revision, the newest `limit` of them.

    `base` is the branch whose history it is; without it the one that is checked out.
    """

    target: str = Field(min_length=1, max_length=4096)
    base: str | None = Field(default=None, max_length=255)
    since: str = Field(min_length=1, max_length=255)
    limit: int = Field(default=200, ge=1, le=1000)


class BacktestTarget(BacktestScope, Message):
    """To the validator: replay a target's own history through the gate. Nothing lands.

    The same `backtest_id` again is the same backtest.
    """

    subject: ClassVar[str] = "gs.cmd.target.backtest"
    backtest_id: Id | None = None


class StopBacktest(Message):
    """To the validator: leave a backtest as it is; what it has run is kept, and not run again."""

    subject: ClassVar[str] = "gs.cmd.target.stop_backtest"
    backtest_id: Id


class GetWaves(Message):
    """List waves, newest first."""

    subject: ClassVar[str] = "gs.rpc.wave.list"
    limit: int = Field(default=20, ge=1, le=500)


class GetWave(Message):
    """One wave; without an id the newest."""

    subject: ClassVar[str] = "gs.rpc.wave.show"
    wave_id: Id | None = None


class GetAgents(Message):
    """The registered agents; `active` leaves out those that are offline."""

    subject: ClassVar[str] = "gs.rpc.agents.list"
    active: bool = False


class GetStatus(Message):
    """Counts of what is open, and which services answer."""

    subject: ClassVar[str] = "gs.rpc.status"


class AcquireLease(Message):
    """coordinator → resolver: the right to change these path patterns, all or nothing."""

    subject: ClassVar[str] = "gs.rpc.lease.acquire"
    target_id: Id
    wave_id: Id
    task_id: Id
    component: str
    paths: tuple[str, ...]


class RenewLease(Message):
    """The holder's heart-beat."""

    subject: ClassVar[str] = "gs.rpc.lease.renew"
    target_id: Id
    task_id: Id
    epoch: int


class ReleaseLease(Message):
    """The task is over; releasing twice is the same as once."""

    subject: ClassVar[str] = "gs.rpc.lease.release"
    target_id: Id
    task_id: Id


class LeaseGrant(Value):
    """The answer to AcquireLease and RenewLease: an epoch, or who is in the way."""

    granted: bool
    epoch: int = 0
    reason: str = ""
