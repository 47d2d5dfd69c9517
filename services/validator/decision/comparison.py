"""The rule "no worse": which differences in a test's outcome count against a candidate."""

from collections.abc import Collection, Mapping

from services.validator.decision.evidence import RunComparison
from services.validator.suite.domain.reports import COMMAND_RESULT_ID, Outcome, TestReport
from shared.targets.languages import PYTHON

PASSING = frozenset({Outcome.PASSED, Outcome.XPASSED})
FAILING = frozenset({Outcome.FAILED, Outcome.ERROR})


def worse_tests(
    base: Mapping[str, Outcome],
    candidate: Mapping[str, Outcome],
    *,
    requested: Collection[str] | None = None,
    approved: Collection[str] = (),
) -> frozenset[str]:
    """Return the tests that are worse on the candidate than on the base.

    A test is worse if it passed on the base and now fails, errors, is skipped, is expected to fail
    or vanished; or if it fails now and on the base was new, skipped or expected to fail. A test
    that fails on the base is never worse, nor is a dropped one of a file that was edited with
    approval. `requested` limits the comparison to the tests that were run.
    """
    known = base.items() if requested is None else [(t, base[t]) for t in requested if t in base]
    lost = {test for test, was in known if _is_lost(was, candidate.get(test))}
    new = {test for test, now in candidate.items() if now in FAILING and test not in base}
    return frozenset(lost | new) - dropped_tests(base, candidate, approved)


def dropped_tests(
    base: Mapping[str, Outcome], candidate: Mapping[str, Outcome], files: Collection[str]
) -> frozenset[str]:
    """Return the tests in these files that need not pass any more.

    They vanished, or passed on the base and are skipped or expected to fail now.
    """
    return frozenset(
        test
        for test, was in base.items()
        if _is_dropped(was, candidate.get(test)) and any(_is_in(each, test) for each in files)
    )


def _is_dropped(was: Outcome, now: Outcome | None) -> bool:
    """Return true if a test vanished (None), or passed and now need not pass."""
    return now is None or (was in PASSING and now not in PASSING | FAILING)


def _is_in(path: str, test: str) -> bool:
    """Return true if a test's id begins with this file, or with the name of its Python module.

    A module is named from the folder in which the runner started, whichever that is.
    """
    if test.partition("::")[0] == path or test.startswith(f"{path} > "):
        return True
    parts = PYTHON.without_suffix(path).split("/") if PYTHON.has_suffix(path) else []
    modules = (".".join(parts[n:]) for n in range(len(parts)))
    return any(test.startswith((f"{each}.", f"{each}::")) for each in modules)


def _is_lost(was: Outcome, now: Outcome | None) -> bool:
    """Return true if an outcome got worse; `now` is None if the test vanished."""
    return now not in PASSING if was in PASSING else was not in FAILING and now in FAILING


def compare_reports(
    base: TestReport,
    candidate: TestReport,
    *,
    tests: Collection[str] = (),
    repeat: int = 1,
    approved: Collection[str] = (),
) -> RunComparison:
    """Compare a run of the candidate with the base; without `tests` it was a full run.

    `approved` are the protected files that the candidate edits with approval.
    """
    before, after = base.outcomes, candidate.outcomes
    worse = worse_tests(before, after, requested=tests or None, approved=approved)
    dropped = dropped_tests(before, after, approved)
    # The command as a whole is no new test: a report only names it where it failed.
    new = frozenset(after.keys() - before.keys() - {COMMAND_RESULT_ID})
    failures = _count_failures(worse, candidate, repeat) if repeat > 1 else {}
    return RunComparison(worse, new, failures, dropped.intersection(tests) if tests else dropped)


def _count_failures(worse: Collection[str], candidate: TestReport, repeat: int) -> dict[str, int]:
    """Return how often each worse test failed, `repeat` at most; one that did not is left out.

    So is the command as a whole, which is not repeated within a run.
    """
    results = candidate.results
    repeated = [each for each in worse if each in results and each != COMMAND_RESULT_ID]
    failing = [each for each in repeated if results[each].outcome.bad]
    return {each: min(results[each].failed, repeat) for each in failing}
