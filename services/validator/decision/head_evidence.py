"""What the runs of the head itself say, and which of them are still needed."""

from collections.abc import Collection

from services.validator.decision.evidence import RunPlan, needs_own_run
from services.validator.decision.evidence_log import FLAKY_REPEATS, EvidenceLog
from services.validator.decision.rates import FailureRate

# The rate of a flaky test is known once it ran on the head more often than in this many runs.
RUNS_FOR_RATE = 2


def flaky_on_head(log: EvidenceLog) -> dict[str, FailureRate]:
    """Return the tests that failed on the head though its baseline passed, with their counts."""
    found = {}
    for test in log.failing_sets():
        counted = log.tally((), test)
        if counted.failed and not log.is_new_or_benchmark(test) and not needs_own_run(test):
            found[test] = FailureRate(counted.failed, counted.passed + 1)
    return found


def has_known_rate_on_head(log: EvidenceLog, test: str) -> bool:
    """Return true if the test ran on the head often enough for its failure rate to be known."""
    enough = FLAKY_REPEATS * RUNS_FOR_RATE
    return log.is_new_or_benchmark(test) or log.rate_on_head(test).total > enough


def is_settled_on_head(log: EvidenceLog, test: str) -> bool:
    """Return true if the head ran the test often enough for its failures with changes to count."""
    if log.is_contradictory(test) or test in log.flaky_tests:
        return has_known_rate_on_head(log, test)
    return log.is_new_or_benchmark(test) or bool(log.count((), test).total)


def next_run_of_head(log: EvidenceLog, tests: Collection[str]) -> RunPlan | None:
    """Return the run of the head that settles some of these tests; None if all are settled."""
    unsettled = [each for each in tests if not is_settled_on_head(log, each)]
    by_rate = {each for each in unsettled if each in log.flaky_tests or log.is_contradictory(each)}
    plain = [each for each in unsettled if each not in by_rate]
    if plain:
        return log.next_repetition((), plain, 1)
    return log.next_repetition((), by_rate, FLAKY_REPEATS) if by_rate else None


def rate_run_of_head(log: EvidenceLog, tests: Collection[str]) -> RunPlan | None:
    """Return the next run of the head for tests without a culprit; None if nothing is unsettled.

    If one of them may be flaky, all whose rate is not known run often at once: a plain run of the
    others before that would be one run more.
    """
    unknown = [each for each in tests if not has_known_rate_on_head(log, each)]
    if not any(log.is_contradictory(each) or each in log.flaky_tests for each in unknown):
        return next_run_of_head(log, tests)
    return log.next_repetition((), unknown, FLAKY_REPEATS)


def flaky_tests_of_unknown_rate(log: EvidenceLog) -> list[str]:
    """Return the flaky tests that failed with changes and whose rate on the head is not known."""
    return sorted(
        test
        for test, sets in log.failing_sets().items()
        if test in log.flaky_tests and any(sets) and not has_known_rate_on_head(log, test)
    )
