"""The report of a suite that is only played."""

from collections.abc import Collection, Mapping

from services.validator.suite.domain.reports import Outcome, Reported, TestReport, TestResult


def played(
    outcomes: Mapping[str, Outcome],
    tests: Collection[str] = (),
    *,
    repeat: int = 1,
    each: float = 0.0,
    seconds: float = 0.0,
) -> Reported:
    """Each test ends so each time it is run: one that fails in a run that repeats it fails `repeat` times."""
    results = {
        test: TestResult(test, outcome, each, failures=repeat if outcome.bad and repeat > 1 else 0)
        for test, outcome in outcomes.items()
        if not tests or test in tests
    }
    return Reported(TestReport(results, seconds))
