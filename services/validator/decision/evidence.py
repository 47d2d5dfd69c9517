"""What the gate is asked about, what its runs show, and what it answers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.validator.decision.rates import FailureRate
from services.validator.suite.domain.reports import TestReport
from shared.contracts.base import RunPurpose

# A benchmark is a test whose name begins so. It fails where it is measured to be slower than on the
# head, and such a measurement needs no confirmation. The prefix alone stands for all benchmarks; a
# full run includes none.
BENCHMARK_PREFIX = "bench::"
# Separates a test from the selection of tests that it is run with, where that is what is asked: it
# may pass among all tests and fail without the others. No other run says anything about it.
SELECTION_MARK = " in a run of only "


def needs_own_run(test: str) -> bool:
    """Return true for a benchmark, or a test in a selection: no full run includes it."""
    return test.startswith(BENCHMARK_PREFIX) or SELECTION_MARK in test


@dataclass(frozen=True)
class Candidate:
    """A change that the gate has to decide about; `risk` is the probability that it is bad.

    `order` is its place in the batch, `needs` are the candidates without which its patch does not
    apply (transitively), `impacted` the tests that reach what it changes (None if unknown), and
    `rounds_waited` is the number of rounds that ended without a decision about it.
    """

    id: str
    order: int
    risk: float = 0.1
    needs: frozenset[str] = frozenset()
    impacted: frozenset[str] | None = None
    rounds_waited: int = 0


@dataclass(frozen=True)
class RunPlan:
    """A run of tests on the head with `changes` applied, or of the head itself without any.

    Without `tests` the full suite runs. Each test runs `repeat` times within the run and its worst
    outcome counts; `repetition` tells apart runs that are made again.
    """

    changes: tuple[str, ...]
    tests: tuple[str, ...] = ()
    repetition: int = 0
    repeat: int = 1


@dataclass(frozen=True)
class RunComparison:
    """A run compared with the head: its worse tests, and its tests that are `new` to the head.

    `failures` says how many of the run's repetitions of a test failed; a worse test that is not in
    it failed in each. `dropped` are the tests of files edited with approval that need not pass now.
    """

    worse: frozenset[str]
    new: frozenset[str] = frozenset()
    failures: Mapping[str, int] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()


@dataclass(frozen=True)
class NoReport:
    """A run that gave no trustworthy report: it is never a pass, and no change is blamed for it."""

    reason: str


@dataclass(frozen=True)
class DoesNotApply:
    """The changes of a run do not apply without others."""


RunEvidence = RunComparison | NoReport | DoesNotApply


@dataclass(frozen=True)
class SuiteProfile:
    """What is known about the suite of the head. It saves time, and never lands a change.

    `durations` are seconds per test, `startup` the seconds that any run takes besides its tests.
    `flaky` are the failure rates of tests that both failed and passed on one tree. `benchmarks` is
    true if the target has benchmarks, which are then compared before a batch lands. Without a
    `budget` for extra runs no quick gates are made.
    """

    durations: Mapping[str, float] = field(default_factory=dict)
    startup: float = 0.0
    flaky: Mapping[str, FailureRate] = field(default_factory=dict)
    benchmarks: bool = False
    budget: bool = True

    def cost_share(self, tests: Iterable[str]) -> float:
        """The cost of a run of these tests as a share of a full run; 1 if durations are unknown."""
        whole = self.startup + sum(self.durations.values())
        if not whole:
            return 1.0
        return (self.startup + sum(self.durations.get(each, 0.0) for each in tests)) / whole


UNKNOWN_SUITE = SuiteProfile()


def profile_suite(report: TestReport) -> SuiteProfile:
    """Measure the durations and the startup time of a suite from a full run of it."""
    durations = {test: result.seconds for test, result in report.results.items()}
    return SuiteProfile(durations, startup=max(report.seconds - sum(durations.values()), 0.0))


@dataclass(frozen=True)
class RequestedRun:
    """A run that the evidence log lacks, its purpose, and the question that it answers (`why`)."""

    plan: RunPlan
    purpose: RunPurpose
    why: str


@dataclass(frozen=True)
class NeedRuns:
    """No decision is possible yet: these independent runs are needed, the most valuable first."""

    runs: tuple[RequestedRun, ...]


@dataclass(frozen=True)
class Land:
    """These changes may land, because the full run `plan` passed with exactly them.

    `held_back` are changes of the batch left for the next head, each with the tests that it seems
    to break there.
    """

    changes: tuple[str, ...]
    plan: RunPlan
    held_back: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Reject:
    """This change alone makes these tests worse; `plan` is the last run that showed it."""

    change: str
    tests: tuple[str, ...]
    plan: RunPlan
    reason: str


@dataclass(frozen=True)
class Undecided:
    """No run of this change gave a report, so nothing is known about it."""

    change: str
    reason: str


@dataclass(frozen=True)
class Finished:
    """No candidate is left on this head."""


Step = NeedRuns | Land | Reject | Undecided | Finished
