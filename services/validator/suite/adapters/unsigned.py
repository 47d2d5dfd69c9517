"""What the readers of reports that nobody signed have in common: such a report is data from a stranger."""

from collections.abc import Iterable, Mapping

from services.validator.suite.domain.reports import (
    Infrastructure,
    Reported,
    RunOutcome,
    TestReport,
    TestResult,
)

SIZE_LIMIT = 32 << 20
# Of what a test says, this many characters of the end are kept.
DETAIL = 2000


def check_size(content: bytes) -> None:
    """Raises ValueError where nobody should even parse it."""
    if len(content) > SIZE_LIMIT:
        raise ValueError(f"it is larger than {SIZE_LIMIT} bytes")


def reported(results: Mapping[str, TestResult], *, exit_code: int, seconds: float) -> RunOutcome:
    """The report with these results, unless the exit code speaks against it."""
    if reason := _contradicted(exit_code, results.values()):
        return Infrastructure(reason)
    problem = "" if results else "The report names no test."
    return Reported(TestReport(results, seconds, exit_code, problem=problem))


def _contradicted(exit_code: int, results: Iterable[TestResult]) -> str:
    """What the exit code says against the results, if so.

    That it is a failure where no test failed is not that: it is a failure of the command as a whole,
    as by a threshold of coverage, or by an error outside all tests.
    """
    failing = sum(each.outcome.bad for each in results)
    if exit_code == 0 and failing:
        return f"The test command ended with success, but {failing} tests failed in its report."
    return f"The test command was killed by signal {-exit_code}." if exit_code < 0 else ""
