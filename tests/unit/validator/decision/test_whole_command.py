"""A suite that fails as a whole with a change, though each of its tests passes."""

from services.validator.decision.comparison import compare_reports
from services.validator.suite.domain.reports import (
    COMMAND_RESULT_ID,
    Outcome,
    TestReport,
    TestResult,
)


def test_a_command_that_fails_as_a_whole_is_worse_and_is_no_new_test():
    """As a new test it would be repeated until it may judge, and a threshold be met by then."""
    base = TestReport({"t": TestResult("t", Outcome.PASSED)})
    failed = TestResult(COMMAND_RESULT_ID, Outcome.FAILED)
    found = compare_reports(base, TestReport({**base.results, failed.id: failed}))
    assert found.worse == {COMMAND_RESULT_ID}
    assert found.new == frozenset()


def test_it_fails_in_each_repetition_as_it_is_run_once():
    passed = TestResult("t.py::test", Outcome.PASSED)
    failed = TestResult(COMMAND_RESULT_ID, Outcome.FAILED)
    base = TestReport({passed.id: passed}, 1.0)
    again = TestReport({passed.id: passed, failed.id: failed}, 1.0)
    assert compare_reports(base, again, repeat=10).failures == {}
