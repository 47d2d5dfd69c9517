"""The evidence log of one head: all runs of a round, and what they say about each test.

A test fails on a set of changes if it failed there in every run. A test that failed and passed on
the same changes, or that failed on the head itself, is flaky: it is repeated many times within a
run, with the changes and on the head, and fails with the changes if its failure rate is surely
higher there than on the head.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from enum import Enum

from services.validator.decision.evidence import (
    BENCHMARK_PREFIX,
    Candidate,
    NoReport,
    RunComparison,
    RunEvidence,
    RunPlan,
    SuiteProfile,
    needs_own_run,
)
from services.validator.decision.rates import FailureRate, is_surely_worse

# How often a flaky test is repeated within each run.
FLAKY_REPEATS = 10
# How often a new test runs before it may judge anything: one that fails once in ten runs passes all
# of them once in 23 times.
BURN_IN_REPEATS = 30


class KnownOutcome(Enum):
    """What the log says about a test on a set of changes."""

    FAILS = "fails"
    PASSES = "passes"
    UNKNOWN = "unknown"


def covers(tests: Collection[str], test: str) -> bool:
    """Return true if a run of `tests` (all if none) says something about a test."""
    if test in tests:
        return True
    if not tests:
        return not needs_own_run(test)
    return BENCHMARK_PREFIX in tests and test.startswith(BENCHMARK_PREFIX)


class EvidenceLog:
    """Answers questions about one test on one set of changes.

    `candidates` are the changes that are still undecided, `new_tests` are tests that the head does
    not have, and `flaky_tests` those that are compared by their failure rate.
    """

    def __init__(
        self,
        evidence: Mapping[RunPlan, RunEvidence],
        candidates: Mapping[str, Candidate],
        suite: SuiteProfile,
    ) -> None:
        self.candidates = candidates
        self.suite = suite
        self.new_tests: set[str] = set()
        self._evidence = evidence
        self._runs: dict[frozenset[str], list[tuple[RunPlan, RunComparison]]] = defaultdict(list)
        self._tests: dict[frozenset[str], list[frozenset[str]]] = defaultdict(list)
        self._failing_sets: dict[str, set[frozenset[str]]] = defaultdict(set)
        for plan, found in evidence.items():
            if isinstance(found, RunComparison):
                self._add(plan, found)
        # Answers that were given before: the same ones are asked for many times in a decision.
        self._outcomes: dict[tuple[frozenset[str], str], KnownOutcome] = {}
        self._change_sets: dict[tuple[str, KnownOutcome], list[frozenset[str]]] = {}
        self._cleared: dict[str, frozenset[str]] = {}
        self._contradictory: dict[str, bool] = {}
        self.flaky_tests = frozenset(each for each in self._failing_sets if self._is_flaky(each))

    def _add(self, plan: RunPlan, found: RunComparison) -> None:
        """Index a run by its changes, its new tests and its worse tests."""
        changes = frozenset(plan.changes)
        self._runs[changes].append((plan, found))
        self._tests[changes].append(frozenset(plan.tests))
        self.new_tests |= found.new
        for test in found.worse:
            self._failing_sets[test].add(changes)

    def __contains__(self, plan: RunPlan) -> bool:
        return plan in self._evidence

    def __getitem__(self, plan: RunPlan) -> RunEvidence:
        return self._evidence[plan]

    # Runs.

    def comparisons(self, changes: Collection[str]) -> list[tuple[RunPlan, RunComparison]]:
        """Return the runs of exactly these changes that gave a report."""
        return self._runs.get(frozenset(changes), [])

    def runs_with(self, changes: Collection[str]) -> list[RunPlan]:
        """Return the runs of at least these changes that gave a report."""
        mine = frozenset(changes)
        return [plan for each in self._runs if each >= mine for plan, _ in self._runs[each]]

    def next_repetition(
        self, changes: tuple[str, ...], tests: Collection[str], repeat: int
    ) -> RunPlan:
        """Return the first repetition of a run of these tests that is not in the log."""
        chosen, number = tuple(sorted(tests)), 0
        while (plan := RunPlan(changes, chosen, number, repeat)) in self._evidence:
            number += 1
        return plan

    def failed_attempts(self, plan: RunPlan) -> NoReport | None:
        """Return why another repetition is pointless: the last two gave no report. Else None."""
        before = [replace(plan, repetition=plan.repetition - n) for n in (1, 2)]
        found = [self._evidence.get(each) for each in before if each.repetition >= 0]
        missing = [each for each in found if isinstance(each, NoReport)]
        return missing[0] if len(missing) == len(before) else None

    # One test.

    def failing_sets(self) -> Mapping[str, Collection[frozenset[str]]]:
        """Return by test the sets of changes that it ever failed with; the head's set is empty."""
        return self._failing_sets

    def _is_flaky(self, test: str) -> bool:
        """Return true if a test failed and passed on the same changes, or failed on the head.

        A test known to be flaky counts, too; a new one or a benchmark never does.
        """
        if self.is_new_or_benchmark(test):
            return False
        if test in self.suite.flaky or self.tally((), test).failed:
            return True
        few = FLAKY_REPEATS - 1
        counts = [self.tally(each, test, most=few) for each in self._failing_sets[test]]
        return any(each.failed and each.passed for each in counts)

    def required_repeats(self, test: str) -> int:
        """Return how often the test has to run within a run for the run to count."""
        if test in self.new_tests:
            return BURN_IN_REPEATS
        return FLAKY_REPEATS if test in self.flaky_tests else 1

    def tally(
        self, changes: Collection[str], test: str, least: int = 1, most: int = BURN_IN_REPEATS
    ) -> FailureRate:
        """Count failures with exactly these changes, in runs of `least` to `most` repetitions."""
        failed = total = 0
        mine = frozenset(changes)
        for (plan, found), tests in zip(
            self.comparisons(mine), self._tests.get(mine, ()), strict=True
        ):
            if least <= plan.repeat <= most and covers(tests, test):
                total += plan.repeat
                failed += found.failures.get(test, plan.repeat) if test in found.worse else 0
        return FailureRate(failed, total - failed)

    def count(self, changes: Collection[str], test: str) -> FailureRate:
        """Count failures on exactly these changes, in runs that repeat the test often enough."""
        return self.tally(changes, test, self.required_repeats(test))

    def outcome(self, changes: Collection[str], test: str) -> KnownOutcome:
        """Return what is known of a test with exactly these changes.

        One pass is enough to pass, except for a flaky test, which is compared by rate, and a new
        test, which may not fail at all.
        """
        key = frozenset(changes), test
        if key not in self._outcomes:
            self._outcomes[key] = self._find_outcome(*key)
        return self._outcomes[key]

    def _find_outcome(self, changes: frozenset[str], test: str) -> KnownOutcome:
        """Return what the runs of exactly these changes say about a test."""
        counted = self.count(changes, test)
        if not counted.total:
            return KnownOutcome.UNKNOWN
        if test in self.flaky_tests:
            fails = is_surely_worse(counted, self.rate_on_head(test))
        elif test in self.new_tests:
            fails = bool(counted.failed)
        else:
            fails = not counted.passed
        return KnownOutcome.FAILS if fails else KnownOutcome.PASSES

    def change_sets(self, test: str, outcome: KnownOutcome) -> list[frozenset[str]]:
        """Return the non-empty sets of changes on which the test has this outcome."""
        key = test, outcome
        if key not in self._change_sets:
            among = self._failing_sets[test] if outcome is KnownOutcome.FAILS else self._runs
            found = [each for each in among if each and self.outcome(each, test) is outcome]
            self._change_sets[key] = found
        return self._change_sets[key]

    def cleared(self, test: str) -> frozenset[str]:
        """Return the changes that the test passed with."""
        if test not in self._cleared:
            passing = self.change_sets(test, KnownOutcome.PASSES)
            self._cleared[test] = frozenset[str]().union(*passing)
        return self._cleared[test]

    def is_contradictory(self, test: str) -> bool:
        """Return true if no single culprit explains the test.

        It fails with changes that are all cleared of it: changes conflict, or it is flaky.
        """
        if test not in self._contradictory:
            failing = self.change_sets(test, KnownOutcome.FAILS)
            self._contradictory[test] = any(each <= self.cleared(test) for each in failing)
        return self._contradictory[test]

    # The head.

    def is_new_or_benchmark(self, test: str) -> bool:
        """Return true if the test needs no run of the head, which lacks it or was measured too."""
        return test in self.new_tests or test.startswith(BENCHMARK_PREFIX)

    def rate_on_head(self, test: str) -> FailureRate:
        """Return how often the test failed on the head, in this round and before.

        The pass in the baseline counts once.
        """
        counted = self.tally((), test)
        known = self.suite.flaky.get(test, FailureRate(0, 0))
        return FailureRate(known.failed + counted.failed, known.passed + counted.passed + 1)
