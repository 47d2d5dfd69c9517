"""What follows from the evidence log: which tests must fail with a batch, and what is proven."""

from collections.abc import Collection

from services.validator.decision.evidence import BENCHMARK_PREFIX, RunPlan
from services.validator.decision.evidence_log import EvidenceLog, KnownOutcome, covers
from services.validator.decision.head_evidence import is_settled_on_head
from services.validator.decision.pairs import Masks, suspected_pairs

# So many tests hardly fail together by chance: their culprits are searched at once, and failures of
# parts confirm theirs. Once so many parts passed, they may have done so after all.
MIN_TESTS_FAILING_TOGETHER, MAX_PARTS_PASSED = 3, 3
# A failure is confirmed by a second one; for blame a test has to fail a third time. With two reruns
# one false rejection in three becomes one in three thousand (20 tests that are flaky at 2 % each).
FAILURES_TO_CONFIRM, FAILURES_TO_BLAME = 2, 3


def has_failed_enough(log: EvidenceLog, changes: Collection[str], test: str) -> bool:
    """Return true if a test that fails with exactly these changes failed often enough."""
    if test.startswith(BENCHMARK_PREFIX):
        return True
    repeats, counted = log.required_repeats(test), log.count(changes, test)
    if repeats > 1:
        return counted.total >= FAILURES_TO_CONFIRM * repeats
    return counted.failed >= FAILURES_TO_CONFIRM


def is_confirmed(log: EvidenceLog, changes: Collection[str], test: str) -> bool:
    """Return true if it is beyond doubt that the test fails with exactly these changes.

    It failed often enough with them, and the head was run often enough to compare.
    """
    if log.outcome(changes, test) is not KnownOutcome.FAILS or not is_settled_on_head(log, test):
        return False
    return has_failed_enough(log, changes, test)


def failing_parts(log: EvidenceLog, test: str, changes: Collection[str]) -> list[frozenset[str]]:
    """Return the parts of `changes` with which the test fails.

    Where it failed with a larger set, and the rest of that set is cleared of it, it must fail with
    the part as well. That does not hold for a contradictory test: where two changes break it
    together, each of them is cleared.
    """
    mine = frozenset(changes)
    cleared = _cleared_for_sure(log, test)
    parts = []
    for each in log.change_sets(test, KnownOutcome.FAILS):
        if each <= mine:
            parts.append(each)
        elif each - mine <= cleared and (left := each & mine) - cleared:
            parts.append(left)
    return parts


def _cleared_for_sure(log: EvidenceLog, test: str) -> frozenset[str]:
    """Return the changes cleared of a test; none for a contradictory test."""
    return frozenset[str]() if log.is_contradictory(test) else log.cleared(test)


def tests_that_must_fail(log: EvidenceLog, changes: Collection[str]) -> frozenset[str]:
    """Return the tests that are known to fail with `changes`, whether or not that was run."""
    mine = frozenset(changes)
    return frozenset(test for test in log.failing_sets() if _must_fail(log, test, mine))


def _must_fail(log: EvidenceLog, test: str, mine: frozenset[str]) -> bool:
    """Return true if a test is known to fail with these changes, whether or not that was run."""
    if log.outcome(mine, test) is KnownOutcome.PASSES:
        return False
    parts = failing_parts(log, test, mine)
    failing = log.change_sets(test, KnownOutcome.FAILS)
    is_known = any(is_confirmed(log, each, test) for each in failing)
    return (mine in parts and (is_known or len(mine) == 1)) or any(each < mine for each in parts)


def tests_to_explain(
    log: EvidenceLog, changes: Collection[str], unconfirmed: Collection[str]
) -> frozenset[str]:
    """Return the tests that must fail with `changes`, and unconfirmed ones that hardly may not."""
    failing = tests_that_must_fail(log, changes)
    once = [each for each in unconfirmed if log.required_repeats(each) == 1]
    together = failing.union(once)
    if len(together) < MIN_TESTS_FAILING_TOGETHER:
        return failing
    is_doubtful = any(_count_passed_parts(log, changes, each) >= MAX_PARTS_PASSED for each in once)
    return failing if is_doubtful and not failing else together


def _count_passed_parts(log: EvidenceLog, changes: Collection[str], test: str) -> int:
    """Return the number of parts of `changes` that the test passed with."""
    passed = log.change_sets(test, KnownOutcome.PASSES)
    return sum(each < frozenset(changes) for each in passed)


def open_tests(log: EvidenceLog, changes: Collection[str]) -> frozenset[str]:
    """Return the tests that fail with more than `changes` and may or may not fail with these."""
    mine, undecided = frozenset(changes), Masks(tuple(log.candidates))
    return frozenset(
        test
        for test in log.failing_sets()
        if log.outcome(mine, test) is KnownOutcome.UNKNOWN
        and any(each > mine for each in log.change_sets(test, KnownOutcome.FAILS))
        and (not mine <= log.cleared(test) or _may_break_together(log, mine, test, undecided))
    )


def _may_break_together(
    log: EvidenceLog, changes: frozenset[str], test: str, undecided: Masks
) -> bool:
    """Return true if two of these changes may break a contradictory test together."""
    if not log.is_contradictory(test):
        return False
    return bool(suspected_pairs(log, test, undecided).count_inside(undecided.of(changes)))


def tests_not_run_with(
    log: EvidenceLog, changes: Collection[str], tests: Collection[str]
) -> frozenset[str]:
    """Return those of the tests that no run of at least `changes` covered."""
    ran = [frozenset(plan.tests) for plan in log.runs_with(changes)]
    return frozenset(test for test in tests if not any(covers(each, test) for each in ran))


def unconfirmed_tests(log: EvidenceLog, changes: Collection[str]) -> frozenset[str]:
    """Return the tests that failed with exactly `changes`, where that is not confirmed yet."""
    mine = frozenset(changes)
    return frozenset(
        test
        for test, sets in log.failing_sets().items()
        if mine in sets
        and log.outcome(changes, test) is not KnownOutcome.PASSES
        and not is_confirmed(log, changes, test)
    )


def is_culprit(log: EvidenceLog, change: str, test: str) -> bool:
    """Return true if this change alone is proven to break the test, which passes on the head."""
    fails = log.outcome((change,), test) is KnownOutcome.FAILS
    return fails and is_settled_on_head(log, test) and has_proven_failures(log, change, test)


def has_proven_failures(log: EvidenceLog, change: str, test: str) -> bool:
    """Return true if a test that fails with this change alone failed often enough to blame it.

    That is three times in at least two runs whose other changes are all cleared of the test. For a
    contradictory test only runs of the change alone count.
    """
    if test.startswith(BENCHMARK_PREFIX) or log.required_repeats(test) > 1:
        return has_failed_enough(log, (change,), test)
    cleared = _cleared_for_sure(log, test)
    failing = log.change_sets(test, KnownOutcome.FAILS)
    explained = [each for each in failing if change in each and each - {change} <= cleared]
    return sum(_failures(log, each, test) for each in explained) >= FAILURES_TO_BLAME


def _failures(log: EvidenceLog, changes: frozenset[str], test: str) -> int:
    """Count failures with exactly these changes; repetitions within one run count at most twice."""
    return sum(
        min(found.failures.get(test, plan.repeat), FAILURES_TO_CONFIRM)
        for plan, found in log.comparisons(changes)
        if test in found.worse
    )


def last_failing_run(log: EvidenceLog, changes: Collection[str], tests: Collection[str]) -> RunPlan:
    """Return the last run of exactly these changes in which any of the tests was worse."""
    runs = log.comparisons(changes)
    failed = [plan for plan, found in runs if not found.worse.isdisjoint(tests)]
    return max(failed, key=lambda each: (each.repetition, each.repeat, each.tests))
