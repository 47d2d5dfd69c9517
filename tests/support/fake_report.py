"""A test report that is made up instead of run."""

from collections.abc import Collection, Mapping

from services.validator.suite.domain.reports import Outcome, Reported, TestReport, TestResult


def fake_report(
    outcomes: Mapping[str, Outcome],
    tests: Collection[str] = (),
    *,
    repeat: int = 1,
    each: float = 0.0,
    seconds: float = 0.0,
) -> Reported:
    """Report these outcomes, of all tests or those in `tests`, each of which took `each` seconds.

    A test that fails in a run that repeats it fails `repeat` times.
    """
    results = {
        test: TestResult(test, outcome, each, failures=repeat if outcome.bad and repeat > 1 else 0)
        for test, outcome in outcomes.items()
        if not tests or test in tests
    }
    return Reported(TestReport(results, seconds))
