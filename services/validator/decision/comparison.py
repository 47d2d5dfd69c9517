"""The rule "no worse": which differences in a test's outcome count against a candidate."""

from collections.abc import Collection, Mapping

from services.validator.decision.evidence import RunComparison
from services.validator.suite.domain.reports import COMMAND_RESULT_ID, Outcome, TestReport

PASSING = frozenset({Outcome.PASSED, Outcome.XPASSED})
FAILING = frozenset({Outcome.FAILED, Outcome.ERROR})


def worse_tests(
    base: Mapping[str, Outcome],
    candidate: Mapping[str, Outcome],
    *,
    requested: Collection[str] | None = None,
) -> frozenset[str]:
    """Return the tests that are worse on the candidate than on the base.

    A test is worse if it passed on the base and now fails, errors, is skipped, is expected to fail
    or vanished; or if it fails now and on the base was new, skipped or expected to fail. A test
    that fails on the base is never worse. `requested` limits the comparison to the tests that were
    run.
    """
    known = base.items() if requested is None else [(t, base[t]) for t in requested if t in base]
    lost = {test for test, was in known if _is_lost(was, candidate.get(test))}
    new = {test for test, now in candidate.items() if now in FAILING and test not in base}
    return frozenset(lost | new)


def _is_lost(was: Outcome, now: Outcome | None) -> bool:
    """Return true if an outcome got worse; `now` is None if the test vanished."""
    return now not in PASSING if was in PASSING else was not in FAILING and now in FAILING


def compare_reports(
    base: TestReport, candidate: TestReport, *, tests: Collection[str] = (), repeat: int = 1
) -> RunComparison:
    """Compare a run of the candidate with the base; without `tests` it was a full run."""
    worse = worse_tests(base.outcomes, candidate.outcomes, requested=tests or None)
    # The command as a whole is no new test: a report only names it where it failed.
    new = frozenset(candidate.outcomes.keys() - base.outcomes.keys() - {COMMAND_RESULT_ID})
    failures = _count_failures(worse, candidate, repeat) if repeat > 1 else {}
    return RunComparison(worse, new, failures)


def _count_failures(worse: Collection[str], candidate: TestReport, repeat: int) -> dict[str, int]:
    """Return how often each worse test failed, `repeat` at most; one that did not is left out.

    So is the command as a whole, which is not repeated within a run.
    """
    results = candidate.results
    repeated = [each for each in worse if each in results and each != COMMAND_RESULT_ID]
    failing = [each for each in repeated if results[each].outcome.bad]
    return {each: min(results[each].failed, repeat) for each in failing}
