"""What is kept in MongoDB: one model per collection. `id` is stored as `_id`.

A document with a `state` also has a `version`, which every stored change raises by one.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.contracts.base import (
    ALL,
    AgentType,
    Engine,
    Id,
    Oid,
    Priority,
    RunKind,
    Severity,
    Sha256,
    Value,
    WaveSize,
)
from shared.contracts.states import (
    AgentState,
    BacktestState,
    EnhancementState,
    LeaseState,
    PullRequestState,
    RunState,
    TaskState,
    WatchState,
    WaveState,
)


class Document(BaseModel):
    """Frozen: a change is a new document that came back from the database."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    id: str
    version: int = 0


class Target(Document):
    """A repository and a base branch of it. The same path with another first commit is another target."""

    id: Id
    location: str
    root_commit: Oid
    name: str
    base_branch: str
    landing_branch: str
    detached: bool = False
    created_at: datetime

    @property
    def direct(self) -> bool:
        """Whether changes land on the base branch itself."""
        return self.landing_branch == self.base_branch


class Agent(Document):
    """A registered worker. It is offline when its heart-beat is older than the coordinator allows."""

    id: Id
    name: str
    types: tuple[AgentType, ...]
    engines: tuple[Engine, ...]
    capabilities: tuple[str, ...] = ()
    state: AgentState = AgentState.IDLE
    task_id: Id | None = None
    pid: int
    host: str
    started_at: datetime
    heartbeat_at: datetime


class Failure(Value):
    """Why something could not be done, for people: what was wrong and what to do."""

    code: str
    message: str
    hint: str = ""
    output: str = ""


class Wave(Document):
    """A bounded set of tasks started together. `commit` is the head the wave began on.

    `environment_seconds` is what building the test environment took; 0 where it came from the cache.
    `sandbox` says where its tests ran, and what that holds. `landing_commit` is where the landing
    branch was at the start.
    """

    id: Id
    target_id: Id
    size: WaveSize = WaveSize.SMALL
    focus: AgentType | Literal["all"] = ALL
    components: tuple[str, ...] = ()
    dry_run: bool = False
    state: WaveState = WaveState.PLANNED
    commit: Oid
    base_commit: Oid
    final_commit: Oid | None = None
    tasks: int = 0
    notes: tuple[str, ...] = ()
    environment_seconds: float | None = None
    sandbox: str = ""
    landing_commit: Oid | None = None
    failure: Failure | None = None
    created_at: datetime
    changed_at: datetime
    finished_at: datetime | None = None


class Opportunity(Value):
    """Findings worth a task. `expected_impact` is in health points, `complexity` in changed lines."""

    agent_type: AgentType
    component: str
    description: str
    priority: Priority
    expected_impact: float
    complexity: float
    findings: int
    fixable: int


class Task(Document):
    """One assignment. `paths` are the component's patterns and the limits of the lease."""

    id: Id
    wave_id: Id
    target_id: Id
    agent_type: AgentType
    component: str
    paths: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    commit: Oid
    opportunity: Opportunity
    priority: Priority = Priority.NORMAL
    state: TaskState = TaskState.WAITING
    epoch: int = 0
    agent_id: Id | None = None
    follows: Id | None = None
    round: int = 0
    enhancements: int = 0
    note: str = ""
    created_at: datetime
    changed_at: datetime
    finished_at: datetime | None = None


class Lease(Value):
    """One entry of a target's lease ledger; exclusive while held."""

    task_id: Id
    wave_id: Id
    component: str
    paths: tuple[str, ...]
    epoch: int
    state: LeaseState = LeaseState.HELD
    expires_at: datetime


class LeaseLedger(Document):
    """All leases of one target in one document, so that a grant is one compare-and-swap.

    `id` is the target's; `epoch` is the last epoch given out and only grows.
    """

    id: Id
    epoch: int = 0
    leases: tuple[Lease, ...] = ()


class Finding(Value):
    """Something measured to be wrong. `fingerprint` survives line moves; lines count from 1."""

    rule: str
    severity: Severity
    message: str
    path: str
    line: int
    fingerprint: str
    component: str = ""
    fixable: Literal["no", "safe", "unsafe"] = "no"
    tool: str


class FindingSet(Document):
    """All findings of one detector set on one commit. `id` is `<target>:<commit>:<detectors>`."""

    target_id: Id
    commit: Oid
    detectors: str
    findings: tuple[Finding, ...]
    lines: dict[str, int] = Field(default_factory=dict)
    seconds: float
    measured_at: datetime


class Health(Document):
    """Measured metrics of one component in one dimension. `id` is `<target>:<commit>:<component>:<dimension>`.

    An agent type's dimension is about all of the component. That of `trust` is about what landed in it with this
    commit: whether planted faults were noticed.
    """

    target_id: Id
    commit: Oid
    component: str
    dimension: AgentType | Literal["trust"]
    metrics: dict[str, float]
    score: float
    measured_at: datetime


class Prediction(Value):
    """Written down before the change is tried. `size` is in the metric's unit."""

    metric: str
    direction: Literal["down", "up", "same"]
    size: float
    confidence: float = Field(ge=0, le=1)


class Rollback(Value):
    """How an enhancement was taken off again; `automatic` where nobody asked for it but its watch."""

    commit: Oid
    reason: str
    at: datetime
    automatic: bool = False


class Approval(Value):
    """A person's word for one patch on one base; for another patch or base it is worth nothing."""

    by: str
    reason: str
    patch: Sha256
    base: Oid
    at: datetime


class Unnoticed(Value):
    """A planted fault at which every test stayed green; `reached` says whether any test runs that line."""

    path: str
    line: int
    what: str
    reached: bool


class Uncovered(Value):
    """A function that a change touches and that no test reaches any more; so many tests did `before`."""

    path: str
    function: str
    before: int


class Protection(Value):
    """Whether the tests would notice a fault in what a change touches.

    protected: every fault that was tried was noticed · unprotected: some were not · unknown: there is code
    that can be wrong, and nothing could be tried in it · not_measured: nothing can be tried in such a
    target · nothing: it touches nothing that can be wrong, such as comments and annotations.

    `planted` are the faults that were tried, `not_measured` those and the places that were not. What runs only
    at import is mostly just looked at: whether any test imports it. `lines` are the changed lines of which
    something is known, `protected_lines` those of them where nothing stayed green, and `uncovered` the functions
    of whose coverage the change takes everything.
    """

    state: Literal["protected", "unprotected", "unknown", "not_measured", "nothing"]
    planted: int = 0
    noticed: int = 0
    survived: tuple[Unnoticed, ...] = ()
    not_measured: int = 0
    lines: int = 0
    protected_lines: int = 0
    sentence: str = ""
    run: Id | None = None
    uncovered: tuple[Uncovered, ...] = ()

    @property
    def unreached(self) -> tuple[str, ...]:
        """The places that no test runs, as path:line."""
        return tuple(f"{each.path}:{each.line}" for each in self.survived if not each.reached)


class Share(Value):
    """How much of what changes touched is protected, where it was measured: counts, not a ratio."""

    changes: int
    protected_changes: int
    faults: int
    noticed: int
    lines: int
    protected_lines: int


def protected_share(found: Iterable[Protection | None]) -> Share | None:
    """The sum over changes; None where nothing was measured, so that no number is shown that was not."""
    measured = [each for each in found if each is not None and each.lines]
    if not measured:
        return None
    return Share(
        changes=len(measured),
        protected_changes=sum(each.state == "protected" for each in measured),
        faults=sum(each.planted for each in measured),
        noticed=sum(each.noticed for each in measured),
        lines=sum(each.lines for each in measured),
        protected_lines=sum(each.protected_lines for each in measured),
    )


class Moved(Value):
    """When a document came into a state, and what was said of it then; `tests` are some of those against it."""

    state: str
    at: datetime
    why: str = ""
    tests: tuple[str, ...] = ()


# A change that is sent back for ever would grow for ever.
REMEMBERED = 50
LISTED = 20


def remembered(document: Document, state: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The history of `document` once it has moved to `state` with these `changes`; nothing where it keeps none."""
    history, at = getattr(document, "history", None), changes.get("changed_at")
    if history is None or at is None:
        return {}
    moved = Moved(
        state=state,
        at=at,
        why=changes.get("reason") or changes.get("asks") or "",
        tests=tuple(changes.get("tests") or changes.get("suspected") or ())[:LISTED],
    )
    return {"history": (*history, moved)[-REMEMBERED:]}


class Enhancement(Document):
    """A proposed change. `key` is unique within its task, so that a task done twice proposes once.

    `returned` is how many heads it was tried on and sent back to wait for the next, `suspected` the tests
    that it seems to break only together with what has landed meanwhile. `run` is the run that decided
    about it, and `history` every state that it came into.
    """

    id: Id
    wave_id: Id
    task_id: Id
    target_id: Id
    key: str
    component: str
    agent_type: AgentType
    agent_id: Id
    agent: str
    engine: Engine
    epoch: int
    order: int
    rule: str
    title: str
    rationale: str
    safe: bool
    prior: float = Field(ge=0, le=1)
    findings: tuple[Finding, ...] = ()
    prediction: Prediction | None = None
    base_commit: Oid
    patch: Sha256
    files: tuple[str, ...]
    lines_added: int
    lines_removed: int
    state: EnhancementState = EnhancementState.PROPOSED
    reason: str = ""
    tests: tuple[str, ...] = ()
    returned: int = 0
    suspected: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    commit: Oid | None = None
    branch: str = ""
    rollback: Rollback | None = None
    rollback_refused: str = ""
    asks: str = ""
    approval: Approval | None = None
    protection: Protection | None = None
    run: Id | None = None
    history: tuple[Moved, ...] = ()
    created_at: datetime
    changed_at: datetime
    finished_at: datetime | None = None


class PullRequest(Document):
    """A branch that is shown to people, up to `commit`; `id` is what it is for, a wave's or a change's.

    `onto` is the branch it is to be merged into. `enhancements` are on it, in their order, and
    `taken_off` those among them whose reverts are as well. `reason` says why it is not open.
    """

    target_id: Id
    wave_id: str
    branch: str
    onto: str
    commit: Oid
    enhancements: tuple[Id, ...]
    taken_off: tuple[Id, ...] = ()
    state: PullRequestState = PullRequestState.WANTED
    url: str = ""
    reason: str = ""
    created_at: datetime
    changed_at: datetime


class Gate(Document):
    """The seat at a target's gate: whose validator decides. `id` is the target's; nobody's is empty."""

    id: Id
    holder: str = ""


class Runner(Document):
    """A validator process that carries out runs; `id` is its host, its process, and a name of its own.

    `home` is the identity of its home. It shares the set of `slots` with others of its machine, which
    has so many `cores`, of which `free` were free; its own runs take `share` of them at most. `runs` are
    those it has at hand. It is there as long as `beats` goes up, by the reader's own clock.
    """

    home: str
    host: str
    slots: str
    cores: int
    share: int
    free: int
    runs: tuple[Id, ...] = ()
    beats: int = 0
    seen_at: datetime


class Watched(Value):
    """One of the changes that are watched, and the commit as which it landed."""

    enhancement_id: Id
    commit: Oid


class Blamed(Value):
    """A landed change, and what got worse by it."""

    enhancement_id: Id
    symptoms: tuple[str, ...]


class WatchResult(Value):
    """What one probe (tests, findings) says in a check.

    `symptoms` are what got worse, such as test ids. `drifted`: so it is without the changes;
    `unrepeated`: it did not stay so; `unexplained`: it is worse, and no single change made it so.
    """

    probe: str
    outcome: Literal["healthy", "drifted", "unrepeated", "unexplained", "blamed", "unmeasured"]
    symptoms: tuple[str, ...] = ()
    components: tuple[str, ...] = ()
    blamed: tuple[Blamed, ...] = ()
    note: str = ""


class Watch(Document):
    """Changes that landed together, and what is measured after them. `id` is `<target>:<after>`.

    They stand on `before`, in their order, and end with `after`; `run` is what let them land, where
    that is known. Of `checks` checks within `minutes`, `made` are behind us and `missed` of those
    were not made; the next is `due_at`. While one is at work, `at_work` is its number and `begun_at`
    when it began; `results` are what it found on `head`, until all that follows from it is done.
    `taken_off` are those of its changes that a watch had taken off, `notes` say what each check found.
    """

    target_id: Id
    wave_id: Id
    before: Oid
    after: Oid
    changes: tuple[Watched, ...]
    run: Id | None = None
    state: WatchState = WatchState.WATCHING
    minutes: float
    checks: int
    made: int = 0
    missed: int = 0
    due_at: datetime
    at_work: int = 0
    begun_at: datetime | None = None
    results: tuple[WatchResult, ...] = ()
    head: Oid | None = None
    taken_off: tuple[Id, ...] = ()
    notes: tuple[str, ...] = ()
    reason: str = ""
    created_at: datetime
    changed_at: datetime
    finished_at: datetime | None = None


class Patch(Document):
    """A unified git diff, stored once under its sha256. Immutable."""

    id: Sha256
    text: str
    created_at: datetime


class Counts(Value):
    """A test report in figures."""

    tests: int
    passed: int
    failed: int
    skipped: int


class Measured(Value):
    """One benchmark, on a candidate beside the head: `ratio` is how many times as dear it is, between `low` and `high`.

    `inconclusive` is neither pass nor fail; None is no bound.
    """

    name: str
    answer: Literal["worse", "better", "same", "inconclusive", "gone", "new"]
    ratio: float
    low: float | None = None
    high: float | None = None


class Verdict(Document):
    """One line of the evidence log: a run the validator made, and what came of it.

    `key` names (tree, environment, gate configuration, plan), so nothing is computed twice.
    `tests` is the plan: empty for the full suite, else the test ids run. `report` is the sha256 of
    the full report in `reports`. `outcome` is `infrastructure` where no report can be trusted:
    that is never a pass and never blame.

    `kind` says what was run: the target's tests, its tests once for each planted fault, or its
    benchmarks on head and candidate in turn. `plan` is the sha256 (in `reports`) of what such a run is told
    beyond its tests. `repeat` is how often each test was run, `record` whether it was recorded which
    tests reach which functions, and `impact` the sha256 of that. `worse` are the tests that are
    worse than on the head, and `why` is the sentence of whoever asked for the run. `benchmarks` are what a run
    of benchmarks said, the worst first. `cpu_seconds` is
    what all its processes used, `runner` who made it, and `beside` how many others ran on the same
    machine for most of its time.
    """

    id: Id
    key: str
    target_id: Id
    wave_id: Id
    purpose: str
    kind: RunKind = RunKind.TESTS
    plan: Sha256 | None = None
    why: str = ""
    tree: Oid
    head: Oid
    environment: str
    changes: tuple[Id, ...] = ()
    tests: tuple[str, ...] = ()
    repeat: int = 1
    record: bool = False
    state: RunState = RunState.REQUESTED
    outcome: Literal["", "reported", "infrastructure"] = ""
    counts: Counts | None = None
    failing: tuple[str, ...] = ()
    worse: tuple[str, ...] | None = None
    benchmarks: tuple[Measured, ...] = ()
    report: Sha256 | None = None
    impact: Sha256 | None = None
    sandbox: str = ""
    runner: str = ""
    seconds: float = 0
    cpu_seconds: float | None = None
    beside: int = 0
    detail: str = ""
    created_at: datetime
    finished_at: datetime | None = None


class Report(Document):
    """What is too large for a message, zlib-compressed, stored once under the sha256 of what is inside.

    A report of tests, faults or benchmarks, a log, the plan of a run, or which tests reach what (impact).
    """

    id: Sha256
    kind: Literal["tests", "log", "faults", "benchmarks", "plan", "impact"]
    data: bytes
    created_at: datetime


class Flakiness(Document):
    """Tests that failed and passed on one head: (failed, passed), all heads together. `id` is the target's; `head` was counted last."""

    id: Id
    tests: dict[str, tuple[int, int]] = Field(default_factory=dict)
    head: str = ""


class Recall(Document):
    """How well the choice of impacted tests did in one component. `id` is `<target>:<component>`.

    Of the tests that caught a change in a full run, `caught` were among those chosen for it and `missed` were
    not. Over `runs` full runs, `selected` of `total` tests were chosen. `counted` are the
    last things that were counted, so that none is counted twice.
    """

    target_id: Id
    component: str
    caught: int = 0
    missed: int = 0
    runs: int = 0
    selected: int = 0
    total: int = 0
    counted: tuple[str, ...] = ()
    changed_at: datetime


class Later(Value):
    """What the later history says against a commit: it was taken back, or somebody fixed its lines.

    `how` says how that is known: its message names the commit, or its title, or (blame) it changed lines
    that the commit wrote.
    """

    kind: Literal["reverted", "fixed"]
    commit: Oid
    title: str
    how: Literal["named", "title", "blame"]


class Replayed(Value):
    """One commit of a target's history as a proposal on its parent, judged as the gate judges.

    `said` is the gate's answer, and `why` its reason. One that touches `protected` paths is for a person: then `code` is
    the answer to its other part alone, under its parent's tests. `rule` names the rule about patches (or syntax, or findings)
    that refused it without a run, and `tests` are those that did with one.

    The truth is what came `later`, and the tests that it `broke` of its own: those that passed on its parent
    under the parent's tests, or are new, and fail on the commit under the commit's tests. `unmeasured` says why that is not known.

    `full` and `targeted` are the gate's runs for it, `seconds` what they took, whenever they were made.
    """

    commit: Oid
    parent: Oid
    title: str
    at: datetime
    said: Literal["land", "refuse", "ask", "unknown"]
    why: str = ""
    rule: str = ""
    tests: tuple[str, ...] = ()
    protected: tuple[str, ...] = ()
    code: Literal["", "land", "refuse", "unknown"] = ""
    code_why: str = ""
    broke: tuple[str, ...] = ()
    unmeasured: str = ""
    later: tuple[Later, ...] = ()
    outcome: Literal["caught", "missed", "false_alarm", "fine", "asked", "rule", "unknown"]
    full: int = 0
    targeted: int = 0
    seconds: float = 0

    @property
    def bad(self) -> bool:
        """Whether anything speaks against it that the gate could not know."""
        return bool(self.broke or self.later)


class BatchCost(Value):
    """What deciding about commits in batches would have cost, reckoned from what each was found to be.

    `suites` counts a run of a part of the tests as the share of the suite's time that they take.
    """

    size: int
    batches: int
    changes: int
    full: int
    targeted: int
    suites: float


class BacktestSummary(Value):
    """A backtest in figures. Of the commits that are for a person: how many were bad, how many the tests would have refused."""

    commits: int
    caught: int
    missed: int
    false_alarms: int
    fine: int
    asked: int
    asked_bad: int
    asked_refused: int
    asked_bad_refused: int
    by_rule: int
    by_rule_bad: int
    unknown: int
    full: int
    targeted: int
    seconds: float
    truth_runs: int
    truth_seconds: float
    environments: int
    environment_seconds: float
    known_before: int
    suite_seconds: float
    batch: BatchCost | None = None


class Backtest(Document):
    """A target's history replayed through the gate; nothing lands. `since_commit` and `head` are what was meant at the start."""

    id: Id
    target_id: Id | None = None
    location: str
    name: str = ""
    base_branch: str = ""
    since: str
    limit: int
    state: BacktestState = BacktestState.RUNNING
    since_commit: Oid | None = None
    head: Oid | None = None
    total: int | None = None
    replayed: tuple[Replayed, ...] = ()
    summary: BacktestSummary | None = None
    sandbox: str = ""
    failure: Failure | None = None
    created_at: datetime
    finished_at: datetime | None = None


class Audit(Document):
    """Who asked for what, through which door."""

    id: Id
    action: str
    subject: dict[str, Any]
    door: str
    at: datetime
