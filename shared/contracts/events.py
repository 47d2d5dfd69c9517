"""Events (`gs.evt.>`): facts that were stored, named in the past tense.

Everything that ends has an event with its evidence. Events are kept for seven days, so a listener
can resume after the last one it saw. Progress that is streamed while work goes on is not an event:
it goes over core NATS, where nothing stores it.
"""

from typing import ClassVar, Literal

from shared.contracts.base import AgentTypeName, Id, Message, Oid, RunPurpose, Sha256


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
    """An agent process started and registered itself; `types` are the agent types it serves."""

    subject: ClassVar[str] = "gs.evt.agent.registered"
    agent_id: Id
    name: str
    types: tuple[AgentTypeName, ...]


class AgentLost(Event):
    """An agent has sent no heartbeat for too long and counts as offline."""

    subject: ClassVar[str] = "gs.evt.agent.lost"
    agent_id: Id
    name: str


class WavePlanned(WaveEvent):
    """A wave was accepted and stored; its findings and its baseline are measured next."""

    subject: ClassVar[str] = "gs.evt.wave.planned"
    commit: Oid


class WaveStarted(WaveEvent):
    """The tasks of a wave exist. `note` says why there are fewer than its size allows."""

    subject: ClassVar[str] = "gs.evt.wave.started"
    tasks: int


class WaveFinished(WaveEvent):
    """A wave ended. `landed` and `rejected` count its enhancements."""

    subject: ClassVar[str] = "gs.evt.wave.finished"
    state: Literal["completed", "stopped", "failed"]
    landed: int = 0
    rejected: int = 0


class FindingsMeasured(WaveEvent):
    """The detectors ran on `commit`, at the start or end of a wave, with `findings` results."""

    subject: ClassVar[str] = "gs.evt.findings.measured"
    commit: Oid
    moment: Literal["before", "after"]
    findings: int


class MeasurementFailed(WaveEvent):
    """The findings or the baseline of a wave could not be measured, so the wave cannot go on."""

    subject: ClassVar[str] = "gs.evt.measurement.failed"
    measurement: Literal["findings", "baseline"] = "findings"
    code: str
    reason: str
    hint: str = ""


class EnvironmentBuilt(WaveEvent):
    """The environment in which the target's tests run is ready.

    `seconds` is what building it took, 0 where it was cached. `sandbox` names the sandbox tier of
    its tests and what that tier enforces.
    """

    subject: ClassVar[str] = "gs.evt.environment.built"
    seconds: float
    cached: bool
    sandbox: str = ""


class BaselineMeasured(WaveEvent):
    """The target's full suite ran on the head. Tests that fail there are blamed on no change."""

    subject: ClassVar[str] = "gs.evt.baseline.measured"
    commit: Oid
    tests: int
    failing: int
    seconds: float


class TaskAssigned(WaveEvent):
    """A task got its lease and was sent to the agents."""

    subject: ClassVar[str] = "gs.evt.task.assigned"
    task_id: Id
    agent_type: AgentTypeName
    component: str


class TaskStarted(WaveEvent):
    """An agent began to work on a task."""

    subject: ClassVar[str] = "gs.evt.task.started"
    task_id: Id
    agent_id: Id
    agent: str


class TaskProposed(WaveEvent):
    """An agent finished a task; `enhancements` is how many changes it proposed."""

    subject: ClassVar[str] = "gs.evt.task.proposed"
    task_id: Id
    enhancements: int


class TaskFinished(WaveEvent):
    """A task reached a terminal state."""

    subject: ClassVar[str] = "gs.evt.task.finished"
    task_id: Id
    state: str


class EnhancementEvent(WaveEvent):
    """The fields that all events about one enhancement share."""

    enhancement_id: Id
    title: str


class EnhancementProposed(EnhancementEvent):
    """An agent proposed a change."""

    subject: ClassVar[str] = "gs.evt.enhancement.proposed"


class EnhancementCleared(EnhancementEvent):
    """The resolver cleared a proposal: its lease holds and its files are inside it."""

    subject: ClassVar[str] = "gs.evt.enhancement.cleared"


class EnhancementApplied(EnhancementEvent):
    """A change landed on `branch` as `commit`."""

    subject: ClassVar[str] = "gs.evt.enhancement.applied"
    commit: Oid
    branch: str


class EnhancementRejected(EnhancementEvent):
    """A change was rejected; `tests` are the tests that caught it, if any."""

    subject: ClassVar[str] = "gs.evt.enhancement.rejected"
    reason: str
    tests: tuple[str, ...] = ()


class EnhancementExpired(EnhancementEvent):
    """A change was dropped without blame: it no longer applies, or its wave ended."""

    subject: ClassVar[str] = "gs.evt.enhancement.expired"
    reason: str


class ApprovalRequested(EnhancementEvent):
    """A change passed but needs the approval of a person. The approval holds for `patch` only."""

    subject: ClassVar[str] = "gs.evt.approval.requested"
    reason: str
    patch: Sha256


class EnhancementApproved(EnhancementEvent):
    """A person approved a change. The gate judges it again before it lands."""

    subject: ClassVar[str] = "gs.evt.enhancement.approved"
    by: str
    reason: str


class EnhancementRolledBack(EnhancementEvent):
    """A landed change was reverted by `commit`."""

    subject: ClassVar[str] = "gs.evt.enhancement.rolled_back"
    commit: Oid


class RollbackRefused(EnhancementEvent):
    """A rollback was refused and the change stays landed; `tests` fail without the change."""

    subject: ClassVar[str] = "gs.evt.rollback.refused"
    reason: str
    tests: tuple[str, ...] = ()


class RollbackFinished(TargetEvent):
    """A rollback ended: all of `enhancements` were reverted, or none and `reason` says why.

    `dependents` are the later changes that stand in its way, `tests` the tests that fail with it.
    """

    subject: ClassVar[str] = "gs.evt.rollback.finished"
    rollback_id: Id
    succeeded: bool
    enhancements: tuple[Id, ...] = ()
    reason: str = ""
    tests: tuple[str, ...] = ()
    dependents: tuple[Id, ...] = ()


class PullRequestOpened(TargetEvent):
    """A pull request for `branch` was opened or updated."""

    subject: ClassVar[str] = "gs.evt.pull_request.opened"
    pull_request_id: str
    branch: str
    url: str


class PullRequestRefused(TargetEvent):
    """The forge refused a pull request for `branch`. What landed stays landed."""

    subject: ClassVar[str] = "gs.evt.pull_request.refused"
    pull_request_id: str
    branch: str
    reason: str


class RunFinished(WaveEvent):
    """A test run on one tree ended.

    `why` is the reason given by whoever requested it. `tests_worse` counts the tests that are worse
    than on the head, where that was already compared.
    """

    subject: ClassVar[str] = "gs.evt.run.finished"
    run_id: Id
    purpose: RunPurpose
    changes: int
    tests: int
    failing: int
    seconds: float
    why: str = ""
    tests_worse: int | None = None


class GateDecided(WaveEvent):
    """The gate of a target took one step on `head`; `note` describes it.

    - run: a test run was read; `tests_worse` of its `tests_run` tests are worse than on the head.
    - refuse, undecided, ask: these changes are rejected, expire, or need approval, due to `tests`.
    - hold: these changes are judged again on the next head.
    - land: these changes may land, as the run `run_id` shows.

    `changes` and `tests` list the first of many; `change_count` is the number of all. `purpose` is
    that of the run. Published again after a crash, the event has the same message id.
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
    """A test run is no longer needed; whoever executes it stops."""

    subject: ClassVar[str] = "gs.evt.run.superseded"
    run_id: Id
    purpose: RunPurpose


class CommitReplayed(TargetEvent):
    """A backtest judged one more commit, number `done` of `total`.

    `verdict` is the answer of the gate; `outcome` compares it with what the later history shows.
    """

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
    """Landed changes were measured again, in check `check` of `checks`, with the head at `commit`.

    `outcome` is the worst finding of the check, or `missed` where nothing was measured in time.
    `state` is the state of the watch afterwards.
    """

    subject: ClassVar[str] = "gs.evt.health.checked"
    watch_id: str
    commit: str
    check: int
    checks: int
    outcome: str
    state: str


class HealthRegressed(WaveEvent):
    """A regression was confirmed: `symptoms` got worse after these changes landed.

    `enhancement_id` is the change that caused it, if one was identified. `action` says what was
    done: the change was rolled back with what depends on it, or the rollback was refused, or
    nothing.
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
    """A task got a lease on a component under a new `epoch`."""

    subject: ClassVar[str] = "gs.evt.lease.granted"
    task_id: Id
    component: str
    epoch: int


class LeaseReleased(WaveEvent):
    """The lease of a task ended because the task did."""

    subject: ClassVar[str] = "gs.evt.lease.released"
    task_id: Id
    component: str


class LeaseExpired(WaveEvent):
    """The lease of a task ended because nobody renewed it."""

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
