"""Checks that all readers of unsigned reports share; such a report may come from anybody."""

from collections.abc import Iterable, Mapping

from services.validator.suite.domain.reports import (
    Infrastructure,
    Reported,
    RunOutcome,
    TestReport,
    TestResult,
)

MAX_REPORT_BYTES = 32 << 20
# Only the end of a test's message is kept.
MAX_DETAIL_CHARACTERS = 2000


def check_size(content: bytes) -> None:
    """Raise ValueError for a report that is too large to be parsed safely."""
    if len(content) > MAX_REPORT_BYTES:
        raise ValueError(f"it is larger than {MAX_REPORT_BYTES} bytes")


def report_unless_contradicted(
    results: Mapping[str, TestResult], *, exit_code: int, seconds: float
) -> RunOutcome:
    """Return a report with these results, or `Infrastructure` if the exit code contradicts them."""
    if reason := _contradiction(exit_code, results.values()):
        return Infrastructure(reason)
    problem = "" if results else "The report names no test."
    return Reported(TestReport(results, seconds, exit_code, problem=problem))


def _contradiction(exit_code: int, results: Iterable[TestResult]) -> str:
    """Return how the exit code contradicts the results or names a signal; empty if neither.

    A failure of the command where no test failed is no contradiction: the command may fail as a
    whole, for example by a coverage threshold or an error outside all tests.
    """
    failing = sum(each.outcome.bad for each in results)
    if exit_code == 0 and failing:
        return f"The test command ended with success, but {failing} tests failed in its report."
    return f"The test command was killed by signal {-exit_code}." if exit_code < 0 else ""
