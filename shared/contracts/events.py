"""Events (`gs.evt.>`): what happened, past tense. Whatever ends has one, with its evidence."""

from typing import ClassVar, Literal

from shared.contracts.base import AgentTypeName, Id, Message, Oid, Sha256


class Event(Message):
    """A fact that was stored. `note` is one sentence about it for people."""

    note: str = ""


class TargetEvent(Event):
    """An event about a target. `wave_id` is set where it belongs to a wave."""

    target_id: Id
    wave_id: Id | None = None


class WaveEvent(TargetEvent):
    """An event of a wave on a target."""

    wave_id: Id


class AgentRegistered(Event):
    subject: ClassVar[str] = "gs.evt.agent.registered"
    agent_id: Id
    name: str
    types: tuple[AgentTypeName, ...]


class AgentLost(Event):
    subject: ClassVar[str] = "gs.evt.agent.lost"
    agent_id: Id
    name: str


class WavePlanned(WaveEvent):
    """Accepted and written down; measuring begins."""

    subject: ClassVar[str] = "gs.evt.wave.planned"
    commit: Oid


class WaveStarted(WaveEvent):
    """Tasks exist. `note` says why there are fewer than the size allows."""

    subject: ClassVar[str] = "gs.evt.wave.started"
    tasks: int


class WaveFinished(WaveEvent):
    subject: ClassVar[str] = "gs.evt.wave.finished"
    state: Literal["completed", "stopped", "failed"]
    landed: int = 0
    rejected: int = 0


class FindingsMeasured(WaveEvent):
    subject: ClassVar[str] = "gs.evt.findings.measured"
    commit: Oid
    moment: Literal["before", "after"]
    findings: int


class MeasurementFailed(WaveEvent):
    """Findings or baseline could not be measured: nothing can be proposed, or nothing proven."""

    subject: ClassVar[str] = "gs.evt.measurement.failed"
    measurement: Literal["findings", "baseline"] = "findings"
    code: str
    reason: str
    hint: str = ""


class EnvironmentBuilt(WaveEvent):
    """The target's test environment stands. `seconds` is 0 where it came from the cache.

    `sandbox` is the tier its tests run in, and one sentence on what that holds.
    """

    subject: ClassVar[str] = "gs.evt.environment.built"
    seconds: float
    cached: bool
    sandbox: str = ""


class BaselineMeasured(WaveEvent):
    """The suite ran on the base: what fails there is known, and blamed on nobody."""

    subject: ClassVar[str] = "gs.evt.baseline.measured"
    commit: Oid
    tests: int
    failing: int
    seconds: float


class TaskAssigned(WaveEvent):
    subject: ClassVar[str] = "gs.evt.task.assigned"
    task_id: Id
    agent_type: AgentTypeName
    component: str


class TaskStarted(WaveEvent):
    subject: ClassVar[str] = "gs.evt.task.started"
    task_id: Id
    agent_id: Id
    agent: str


class TaskProposed(WaveEvent):
    """The agent is finished; `enhancements` were proposed (0: nothing to do)."""

    subject: ClassVar[str] = "gs.evt.task.proposed"
    task_id: Id
    enhancements: int


class TaskFinished(WaveEvent):
    """The task reached a terminal state."""

    subject: ClassVar[str] = "gs.evt.task.finished"
    task_id: Id
    state: str


class EnhancementEvent(WaveEvent):
    """What the enhancement events share."""

    enhancement_id: Id
    title: str


class EnhancementProposed(EnhancementEvent):
    subject: ClassVar[str] = "gs.evt.enhancement.proposed"


class EnhancementCleared(EnhancementEvent):
    subject: ClassVar[str] = "gs.evt.enhancement.cleared"


class EnhancementValidated(EnhancementEvent):
    subject: ClassVar[str] = "gs.evt.enhancement.validated"


class EnhancementApplied(EnhancementEvent):
    subject: ClassVar[str] = "gs.evt.enhancement.applied"
    commit: Oid
    branch: str


class EnhancementRejected(EnhancementEvent):
    """Refused; `tests` names the ones that caught it."""

    subject: ClassVar[str] = "gs.evt.enhancement.rejected"
    reason: str
    tests: tuple[str, ...] = ()


class EnhancementExpired(EnhancementEvent):
    """It no longer applies, or its wave ended; nobody's fault."""

    subject: ClassVar[str] = "gs.evt.enhancement.expired"
    reason: str


class ApprovalRequested(EnhancementEvent):
    """It passed, and lands only with a person's word; `patch` is what that word is for."""

    subject: ClassVar[str] = "gs.evt.approval.requested"
    reason: str
    patch: Sha256


class EnhancementApproved(EnhancementEvent):
    """A person let it through; the gate tries it again before it lands."""

    subject: ClassVar[str] = "gs.evt.enhancement.approved"
    by: str
    reason: str


class EnhancementRolledBack(EnhancementEvent):
    subject: ClassVar[str] = "gs.evt.enhancement.rolled_back"
    commit: Oid


class RollbackRefused(EnhancementEvent):
    subject: ClassVar[str] = "gs.evt.rollback.refused"
    reason: str
    tests: tuple[str, ...] = ()


class RollbackFinished(TargetEvent):
    """A rollback came to its end: done with all of `enhancements`, or with none and a reason.

    `dependents` are the later changes that stand in its way, `tests` those that said so.
    """

    subject: ClassVar[str] = "gs.evt.rollback.finished"
    rollback_id: Id
    succeeded: bool
    enhancements: tuple[Id, ...] = ()
    reason: str = ""
    tests: tuple[str, ...] = ()
    dependents: tuple[Id, ...] = ()


class PullRequestOpened(TargetEvent):
    """People were asked to look at `branch`; said again when it grew."""

    subject: ClassVar[str] = "gs.evt.pull_request.opened"
    pull_request_id: str
    branch: str
    url: str


class PullRequestRefused(TargetEvent):
    """What landed could not be shown as a pull request, and why; it stays landed."""

    subject: ClassVar[str] = "gs.evt.pull_request.refused"
    pull_request_id: str
    branch: str
    reason: str


class RunFinished(WaveEvent):
    """One run of a test suite, or of some of its tests, on one tree.

    `why` is the sentence of whoever asked for it. `worse` are how many are worse than on the head, where
    that is known already; a run's gate says it as well, with what it means.
    """

    subject: ClassVar[str] = "gs.evt.run.finished"
    run_id: Id
    purpose: str
    changes: int
    tests: int
    failing: int
    seconds: float
    why: str = ""
    tests_worse: int | None = None


class GateDecided(WaveEvent):
    """One step of a gate, carried out on `head`; `note` says it. Published again, it has the same id.

    run: a run was read, and `worse` is how many of its `asked` tests are worse than on the head. refuse,
    undecided, ask: about these changes, because of these tests. hold: they wait for the next head. land: they
    may land, `run_id` says so.

    `changes` and `tests` are the first of `change_count` and of however many; `purpose` is that of the run.
    """

    subject: ClassVar[str] = "gs.evt.gate.decided"
    head: Oid
    step: Literal["run", "refuse", "hold", "land", "ask", "undecided"]
    purpose: str = ""
    change_count: int
    changes: tuple[Id, ...] = ()
    tests: tuple[str, ...] = ()
    tests_run: int | None = None
    tests_worse: int | None = None
    run_id: Id | None = None


class RunSuperseded(WaveEvent):
    """Nobody wants to know any more how it ends: whoever is at it stops."""

    subject: ClassVar[str] = "gs.evt.run.superseded"
    run_id: Id
    purpose: str


class CommitReplayed(TargetEvent):
    """A backtest judged one more commit; `verdict` is the gate's answer, `outcome` how it compares with what came later."""

    subject: ClassVar[str] = "gs.evt.commit.replayed"
    backtest_id: Id
    commit: Oid
    title: str
    verdict: str
    outcome: str
    done: int
    total: int


class BacktestFinished(TargetEvent):
    """A backtest ended; `target_id` is missing where its repository could not be read."""

    subject: ClassVar[str] = "gs.evt.backtest.finished"
    backtest_id: Id
    target_id: Id | None = None  # type: ignore[assignment]
    state: Literal["completed", "stopped", "failed"]


class HealthChecked(WaveEvent):
    """What landed was looked at again: check `check` of `checks`, with the head at `commit`.

    `outcome` is the gravest of what was found, `missed` where nothing was measured before the window
    was over. `state` is that of the watch after it.
    """

    subject: ClassVar[str] = "gs.evt.health.checked"
    watch_id: str
    commit: str
    check: int
    checks: int
    outcome: str
    state: str


class HealthRegressed(WaveEvent):
    """Confirmed: something is worse than before these changes landed; `symptoms` say what.

    `enhancement_id` is the change that did it, without which nobody is blamed. `action` says what
    came of it: taken off with what depends on it, `refused` (a person has to look), or nothing.
    """

    subject: ClassVar[str] = "gs.evt.health.regressed"
    watch_id: str
    commit: str
    probe: str
    symptoms: tuple[str, ...]
    components: tuple[str, ...] = ()
    enhancement_id: Id | None = None
    action: Literal["rolled_back", "refused", "none"] = "none"


class LeaseGranted(WaveEvent):
    subject: ClassVar[str] = "gs.evt.lease.granted"
    task_id: Id
    component: str
    epoch: int


class LeaseReleased(WaveEvent):
    subject: ClassVar[str] = "gs.evt.lease.released"
    task_id: Id
    component: str


class LeaseExpired(WaveEvent):
    subject: ClassVar[str] = "gs.evt.lease.expired"
    task_id: Id
    component: str


EVENTS: tuple[type[Event], ...] = (
    AgentRegistered,
    AgentLost,
    WavePlanned,
    WaveStarted,
    WaveFinished,
    FindingsMeasured,
    MeasurementFailed,
    EnvironmentBuilt,
    BaselineMeasured,
    TaskAssigned,
    TaskStarted,
    TaskProposed,
    TaskFinished,
    EnhancementProposed,
    EnhancementCleared,
    EnhancementValidated,
    EnhancementApplied,
    EnhancementRejected,
    EnhancementExpired,
    ApprovalRequested,
    EnhancementApproved,
    EnhancementRolledBack,
    RollbackRefused,
    RollbackFinished,
    PullRequestOpened,
    PullRequestRefused,
    RunFinished,
    RunSuperseded,
    GateDecided,
    CommitReplayed,
    BacktestFinished,
    HealthChecked,
    HealthRegressed,
    LeaseGranted,
    LeaseReleased,
    LeaseExpired,
)
EVENT_BY_SUBJECT = {event.subject: event for event in EVENTS}
