"""What a wave came to: one report, for people and programs alike. Nothing in it is an estimate."""

from shared.contracts.base import Id, Oid, Value
from shared.contracts.documents.base import Failure
from shared.contracts.documents.findings import Prediction
from shared.contracts.documents.protection import ProtectionShare
from shared.contracts.documents.runs import BenchmarkResult


class Landed(Value):
    """A change on the landing branch. `measured` is the predicted metric before and after."""

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


class NotLanded(Value):
    """A change that did not land, why, and the tests that caught it."""

    id: Id
    title: str
    component: str
    rule: str
    files: tuple[str, ...]
    state: str
    reason: str
    tests: tuple[str, ...] = ()


class Waiting(Value):
    """A change that waits for a person: what asks for one, and what speaks for it.

    `group` is the kind of the reason, and `because` what is particular to this change, of which there is
    `more`. `full_run` says whether every test has passed with it.
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


class PullRequestShown(Value):
    """A branch for people to review, to be merged into `onto`; `reason` says why it is not open."""

    branch: str
    onto: str
    state: str
    url: str
    reason: str


class ProtectionSummary(Value):
    """Whether planted faults were noticed in what landed: counts, not ratios.

    `lines` are those in which any was tried, `protected_lines` those of them where every one was noticed.
    """

    mutants: int
    killed: int
    lines: int
    protected_lines: int


class ComponentHealth(Value):
    """Score (0 to 100) and findings of a component at both ends; None where not measured."""

    component: str
    score_before: float | None
    score_after: float | None
    findings_before: int | None
    findings_after: int | None
    protection: ProtectionSummary | None = None


class HealthChange(Value):
    """`score_*` are means over the components, weighted by lines."""

    score_before: float | None = None
    score_after: float | None = None
    findings_before: int | None = None
    findings_after: int | None = None
    components: tuple[ComponentHealth, ...] = ()
    protection: ProtectionSummary | None = None


class RunSummary(Value):
    """One run of the suite, or of some of its tests."""

    __test__ = False

    id: Id
    purpose: str
    changes: int
    tests: int
    failing: int
    seconds: float
    outcome: str
    why: str = ""
    worse: int | None = None


class TestTime(Value):
    """All `runs` of the tests, in seconds, and how long one run of the whole suite takes, where one was made."""

    __test__ = False

    runs: int
    seconds: float
    suite_seconds: float | None = None

    @property
    def suites(self) -> float | None:
        """The whole as runs of the suite; None where that was not measured."""
        return self.seconds / self.suite_seconds if self.suite_seconds else None


class ImpactRecall(Value):
    """How well the impacted tests of the target were chosen, over all its waves: counts, not ratios.

    Of the tests that caught a change `caught` had been chosen for it. Of `total` tests `selected` were chosen.
    """

    caught: int
    missed: int
    selected: int
    total: int


class Baseline(Value):
    """The suite on the commit the wave began on; what fails there is blamed on nobody."""

    tests: int
    passed: int
    skipped: int
    failing: tuple[str, ...]
    seconds: float


class Cost(Value):
    """What was spent on models. The rules engine asks none."""

    engines: tuple[str, ...]
    model_calls: int = 0
    usd: float = 0.0


class Commands(Value):
    """What a person may type next."""

    look: tuple[str, ...] = ()
    merge: tuple[str, ...] = ()
    undo_one: tuple[str, ...] = ()
    undo_all: tuple[str, ...] = ()


class WaveReport(Value):
    """The whole of it. Times in seconds; `environment_seconds` is None where none was prepared.

    `held` are those that are still in the gate: sent back to be tried on another head. `benchmarks`
    are those of what was tried last, `protection` and `recall` None where nothing was measured.
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
    landed: tuple[Landed, ...]
    refused: tuple[NotLanded, ...]
    waiting: tuple[Waiting, ...] = ()
    expired: tuple[NotLanded, ...]
    not_tried: tuple[NotLanded, ...]
    held: tuple[NotLanded, ...] = ()
    pull_requests: tuple[PullRequestShown, ...] = ()
    health: HealthChange
    baseline: Baseline | None
    runs: tuple[RunSummary, ...]
    test_time: TestTime | None = None
    protection: ProtectionShare | None = None
    benchmarks: tuple[BenchmarkResult, ...] = ()
    recall: ImpactRecall | None = None
    environment_seconds: float | None
    wall_seconds: float | None
    cost: Cost
    sandbox: str
    notes: tuple[str, ...]
    failure: Failure | None
    commands: Commands
