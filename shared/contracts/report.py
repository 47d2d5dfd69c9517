"""The report of a wave, for people and programs alike. No figure in it is an estimate."""

from shared.contracts.base import AgentTypeName, Id, Oid, RunPurpose, Value
from shared.contracts.documents.base import Failure
from shared.contracts.documents.conflicts import ConflictKind, ConflictOutcome, ConflictStrategy
from shared.contracts.documents.findings import Prediction
from shared.contracts.documents.gain import Gain
from shared.contracts.documents.protection import ProtectionShare
from shared.contracts.documents.runs import BenchmarkResult
from shared.contracts.health import HealthChange


class LandedChange(Value):
    """A change on the landing branch. `measured` is the predicted metric before and after.

    `behaviour` says what was shown about its behaviour, or who or what allowed it without.
    `may_change` marks those for which nothing shows that behaviour stays the same. `gain` is what
    was measured of a change that promises speed. `outline` is what it does in words of what its
    files describe, such as the nodes and connections of a workflow, and `releases` what became of
    its workflows in a running n8n, a sentence for each.

    Flat: one row of the report.
    """

    id: Id
    title: str
    component: str
    rule: str
    why: str
    files: tuple[str, ...]
    lines_added: int
    lines_removed: int
    commit: Oid
    evidence: tuple[str, ...]
    prediction: Prediction | None = None
    measured: tuple[float, float] | None = None
    rolled_back: Oid | None = None
    behaviour: str = ""
    may_change: bool = False
    gain: Gain | None = None
    outline: str = ""
    releases: tuple[str, ...] = ()


class ChangeNotLanded(Value):
    """A change that did not land, why, and the tests that caught it."""

    id: Id
    title: str
    component: str
    rule: str
    files: tuple[str, ...]
    state: str
    reason: str
    tests: tuple[str, ...] = ()


class AdvisoryChange(ChangeNotLanded):
    """Advice without a patch: a plan, the evidence for it, its steps in order, what to mind."""

    plan: str
    evidence: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()
    caution: str = ""


class ChangeNeedingApproval(Value):
    """A change that needs a person's approval: why, and the evidence for it.

    `asks` is the whole reason, `group` its kind, and `because` the first detail particular to this
    change, of which there are `more`. `full_run` says whether every test has passed with it, and
    `outline` is that of a landed change.
    """

    id: Id
    title: str
    component: str
    files: tuple[str, ...]
    asks: str
    evidence: tuple[str, ...]
    group: str = ""
    because: str = ""
    more: int = 0
    full_run: bool = False
    outline: str = ""


class AgentSummary(Value):
    """What one agent of a wave did: its tasks with their follow-ups, and what came of them.

    `process` is the host and the process id of what ran it last, empty if nothing did. `seconds` is
    how long it was at work, and `note` why it proposed nothing or less.
    """

    id: Id
    name: str
    type: AgentTypeName
    focus: str
    state: str
    tasks: int
    proposals: int
    landed: int
    seconds: float
    process: str = ""
    note: str = ""


class PullRequestSummary(Value):
    """A branch for review, to be merged into `onto`; `reason` says why it is not open."""

    branch: str
    onto: str
    state: str
    url: str
    reason: str


class OverlapSummary(Value):
    """Two proposals that overlap, by id and title, and how that was settled.

    `outcome` is None while the second waits for the first.
    """

    first: Id
    second: Id
    first_title: str
    second_title: str
    kind: ConflictKind
    strategy: ConflictStrategy
    outcome: ConflictOutcome | None
    reason: str
    files: tuple[str, ...]


class Coordination(Value):
    """How many overlaps of proposals were found, and how many were settled without a person.

    One whose second proposal ended for another reason counts in neither.
    """

    overlaps: int
    settled: int


class RunSummary(Value):
    """One run of the suite, or of some of its tests."""

    __test__ = False

    id: Id
    purpose: RunPurpose
    changes: int
    tests: int
    failing: int
    seconds: float
    outcome: str
    why: str = ""
    worse: int | None = None


class TestTime(Value):
    """Number and total seconds of all test runs; `suite_seconds` is one run of the whole suite."""

    __test__ = False

    runs: int
    seconds: float
    suite_seconds: float | None = None

    @property
    def suites(self) -> float | None:
        """The total as a multiple of one full run; None if no full run was measured."""
        return self.seconds / self.suite_seconds if self.suite_seconds else None


class ImpactRecall(Value):
    """How well impact analysis selected tests on this target, over all waves: counts, not ratios.

    Of the tests that caught a change, `caught` had been selected and `missed` had not. Over all
    runs, `selected` of `total` tests were selected.
    """

    caught: int
    missed: int
    selected: int
    total: int


class BaselineSummary(Value):
    """The full run on the commit the wave started from; its failures are blamed on no change."""

    tests: int
    passed: int
    skipped: int
    failing: tuple[str, ...]
    seconds: float


class ModelCost(Value):
    """What was spent on language models. The rules engine uses none."""

    engines: tuple[str, ...]
    model_calls: int = 0
    usd: float = 0.0


class NextCommands(Value):
    """Shell commands a person may run next: to inspect, merge or undo what landed."""

    inspect: tuple[str, ...] = ()
    merge: tuple[str, ...] = ()
    undo_one: tuple[str, ...] = ()
    undo_all: tuple[str, ...] = ()


class WaveReport(Value):
    """Everything that came of a wave. Times are in seconds.

    `returned` are changes still in the gate that were sent back to be judged on another head.
    `conflicts` are the overlaps of its proposals with any; `coordination` is None without one.
    `environment_seconds` is None if no environment was prepared; `benchmarks` are those of the last
    comparison; `proven` counts the changes that leave the compiled program as it is; `protection`
    and `recall` are None if nothing was measured.

    Flat: one answer with every part of the report.
    """

    wave: Id
    target: str
    location: str
    state: str
    size: str
    focus: str
    dry_run: bool
    tasks: int
    commit: Oid
    base_branch: str
    landing_branch: str
    final_commit: Oid | None
    landed: tuple[LandedChange, ...]
    rejected: tuple[ChangeNotLanded, ...]
    needs_approval: tuple[ChangeNeedingApproval, ...] = ()
    expired: tuple[ChangeNotLanded, ...]
    not_tried: tuple[ChangeNotLanded, ...]
    returned: tuple[ChangeNotLanded, ...] = ()
    advisory: tuple[AdvisoryChange, ...] = ()
    agents: tuple[AgentSummary, ...] = ()
    pull_requests: tuple[PullRequestSummary, ...] = ()
    health: HealthChange
    baseline: BaselineSummary | None
    runs: tuple[RunSummary, ...]
    test_time: TestTime | None = None
    proven: int = 0
    protection: ProtectionShare | None = None
    benchmarks: tuple[BenchmarkResult, ...] = ()
    recall: ImpactRecall | None = None
    conflicts: tuple[OverlapSummary, ...] = ()
    coordination: Coordination | None = None
    environment_seconds: float | None
    wall_seconds: float | None
    cost: ModelCost
    sandbox: str
    notes: tuple[str, ...]
    failure: Failure | None
    commands: NextCommands
