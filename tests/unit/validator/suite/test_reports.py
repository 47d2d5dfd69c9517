"""Reports as values, and reading what strangers wrote."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.validator.in_target.signing import SigningKey
from services.validator.suite.adapters.junit import read_junit
from services.validator.suite.adapters.signed_lines import read_lines
from services.validator.suite.domain.reports import (
    Infrastructure,
    Outcome,
    Reported,
    TestReport,
    TestResult,
    by_id,
    worst,
)

KEYS = (b"first", b"second")
RESULTS = st.builds(
    TestResult,
    id=st.text(min_size=1, max_size=20),
    outcome=st.sampled_from(Outcome),
    seconds=st.floats(0, 1e6, allow_nan=False),
    detail=st.text(max_size=50),
)
REPORTS = st.builds(
    TestReport,
    results=st.lists(RESULTS, max_size=6).map(by_id),
    seconds=st.floats(0, 1e6, allow_nan=False),
    exit_code=st.integers(-64, 255),
    complete=st.booleans(),
    problem=st.text(max_size=20),
)

PASSED = [
    {"event": "start", "pytest": "9"},
    {"event": "test", "id": "a.py::t", "when": "call", "outcome": "passed", "seconds": 0.5},
    {"event": "finish", "stopped": "", "collected": 1},
]


def lines(*events: object) -> bytes:
    """As a session with the first key writes them."""
    key = SigningKey(0, KEYS[0])
    return b"".join(json.dumps(key.sign(json.dumps(each))).encode() + b"\n" for each in events)


def junit(content: str, exit_code: int = 0) -> Reported | Infrastructure:
    return read_junit(content.encode(), exit_code=exit_code, seconds=1.0)


def results(found: Reported | Infrastructure) -> dict[str, Outcome]:
    assert isinstance(found, Reported), found
    return {each.id: each.outcome for each in found.report.results.values()}


@given(REPORTS)
def test_a_report_comes_back_from_its_json_as_it_was(report: TestReport):
    assert TestReport.from_json(report.to_json()) == report


@given(st.lists(RESULTS, max_size=6, unique_by=lambda each: each.id))
def test_equal_reports_have_equal_json_whatever_the_order(rows: list[TestResult]):
    assert TestReport(by_id(rows)).to_json() == TestReport(by_id(reversed(rows))).to_json()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"results": [[1]]}', "nonsense"])
def test_other_text_is_no_report(text: str):
    with pytest.raises(ValueError):  # noqa: PT011
        TestReport.from_json(text)


def test_figures_count_errors_as_failed_and_expected_failures_as_skipped():
    report = TestReport(by_id(TestResult(each.value, each) for each in Outcome))
    assert report.failing == {"failed", "error"}
    counts = report.counts
    assert (counts.tests, counts.passed, counts.failed, counts.skipped) == (6, 2, 2, 2)


def test_of_two_results_for_one_test_the_worse_counts():
    good, bad = TestResult("t", Outcome.PASSED, 1), TestResult("t", Outcome.FAILED, 2, "why")
    assert (
        by_id([good, bad]) == by_id([bad, good]) == {"t": TestResult("t", Outcome.FAILED, 3, "why")}
    )


def test_lines_with_a_beginning_and_an_end_are_a_report():
    found = read_lines(lines(*PASSED), KEYS, exit_code=0, seconds=2.0)
    assert results(found) == {"a.py::t": Outcome.PASSED}


@pytest.mark.parametrize("kept", range(len(lines(*PASSED))))
def test_lines_that_were_cut_off_anywhere_are_never_a_pass(kept: int):
    if kept == len(lines(*PASSED)) - 1:
        return  # Only the last newline is missing, and nothing that was said.
    found = read_lines(lines(*PASSED)[:kept], KEYS, exit_code=0, seconds=2.0)
    assert isinstance(found, Infrastructure)


def test_a_suite_may_fail_as_a_whole_where_no_test_failed():
    found = read_lines(lines(*PASSED), KEYS, exit_code=1, seconds=2.0)
    assert isinstance(found, Reported)
    assert found.report.exit_code == 1


@pytest.mark.parametrize("exit_code", [2, 3, 4, 5, 77, -9])
def test_an_exit_code_that_says_otherwise_is_infrastructure(exit_code: int):
    found = read_lines(lines(*PASSED), KEYS, exit_code=exit_code, seconds=2.0)
    assert isinstance(found, Infrastructure)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_report_never_raise_and_never_pass(content: bytes):
    assert isinstance(read_lines(content, KEYS, exit_code=0, seconds=0), Infrastructure)
    assert isinstance(read_junit(content, exit_code=0, seconds=0), Infrastructure)


@pytest.mark.parametrize("content", [b"[" * 100_000, lines({"event": "[" * 100}) + b"[" * 100_000])
def test_a_line_that_is_nested_too_deeply_is_no_report(content: bytes):
    assert isinstance(read_lines(content, KEYS, exit_code=0, seconds=0), Infrastructure)


def test_seconds_that_no_float_can_hold_are_no_report():
    said = lines(PASSED[0], {**PASSED[1], "seconds": 10**400}, PASSED[2])
    assert isinstance(read_lines(said, KEYS, exit_code=0, seconds=1), Infrastructure)


@pytest.mark.parametrize("dropped", range(len(PASSED)))
def test_a_report_that_lacks_a_line_is_not_believed(dropped: int):
    said = lines(*PASSED).splitlines(keepends=True)
    del said[dropped]
    assert isinstance(read_lines(b"".join(said), KEYS, exit_code=0, seconds=1), Infrastructure)


@pytest.mark.parametrize("place", range(len(PASSED)))
def test_a_line_that_was_changed_or_said_twice_is_not_believed(place: int):
    said = lines(*PASSED).splitlines(keepends=True)
    changed = [*said[:place], said[place].replace(b"t", b"u", 1), *said[place + 1 :]]
    doubled = [*said[: place + 1], *said[place:]]
    for each in (changed, doubled):
        assert isinstance(read_lines(b"".join(each), KEYS, exit_code=0, seconds=1), Infrastructure)


def test_sessions_one_after_the_other_have_keys_of_their_own():
    second = SigningKey(1, KEYS[1])
    more = b"".join(json.dumps(second.sign(json.dumps(each))).encode() + b"\n" for each in PASSED)
    found = read_lines(lines(*PASSED) + more, KEYS, exit_code=0, seconds=1)
    assert results(found) == {"a.py::t": Outcome.PASSED}
    assert isinstance(read_lines(more, KEYS[:1], exit_code=0, seconds=1), Infrastructure)


def test_a_rerun_says_nothing_about_its_test():
    again = {**PASSED[1], "outcome": "rerun"}
    found = read_lines(lines(PASSED[0], again, *PASSED[1:]), KEYS, exit_code=0, seconds=1)
    assert results(found) == {"a.py::t": Outcome.PASSED}


def test_a_session_that_stopped_early_is_infrastructure():
    stopped = {**PASSED[2], "stopped": "stopping after 1 failures"}
    found = read_lines(lines(*PASSED[:2], stopped), KEYS, exit_code=0, seconds=1)
    assert isinstance(found, Infrastructure)
    assert "stopping after 1 failures" in found.reason


def test_junit_names_tests_as_pytest_does_where_it_can():
    found = junit("""<?xml version="1.0" encoding="utf-8"?>
        <testsuites><testsuite name="pytest" tests="5">
        <testcase classname="tests.test_a.TestB.TestC" name="test[x::y]" file="tests/test_a.py"/>
        <testcase classname="tests.test_a" name="test_d" file="tests/test_a.py" time="1,000.5"/>
        <testcase classname="suite" name="a test" file="src/a.spec.ts"/>
        <testcase classname="other.place" name="e" file="tests/test_a.py"/>
        <testcase name="alone"/>
        </testsuite></testsuites>""")
    assert set(results(found)) == {
        "tests/test_a.py::TestB::TestC::test[x::y]",
        "tests/test_a.py::test_d",
        "suite::a test",
        "other.place::e",
        "alone",
    }


def test_junit_outcomes_are_told_apart_and_the_worst_of_twins_counts():
    found = junit(
        """<testsuite tests="6">
        <testcase classname="a" name="p"/>
        <testcase classname="a" name="f"><failure message="m">why</failure></testcase>
        <testcase classname="a" name="f"/>
        <testcase classname="a" name="e"><error message="m"/></testcase>
        <testcase classname="a" name="s"><skipped type="pytest.skip" message="no"/></testcase>
        <testcase classname="a" name="x"><skipped type="pytest.xfail" message="no"/></testcase>
        </testsuite>""",
        exit_code=1,
    )
    assert results(found) == {
        "a::p": Outcome.PASSED,
        "a::f": Outcome.FAILED,
        "a::e": Outcome.ERROR,
        "a::s": Outcome.SKIPPED,
        "a::x": Outcome.XFAILED,
    }


@pytest.mark.parametrize(
    ("content", "exit_code"),
    [
        ("", 0),
        ("<testsuite tests='1'><testcase name='a'/>", 0),
        ("<testsuite tests='2'><testcase name='a'/></testsuite>", 0),
        ("<testsuite tests='1'><testcase/></testsuite>", 0),
        ("<testsuite><testcase name='a'><failure/></testcase></testsuite>", 0),
        ("<testsuite><testcase name='a'/></testsuite>", -9),
        ("<html/>", 0),
        ("<!DOCTYPE x [<!ENTITY y 'z'>]><testsuite><testcase name='&y;'/></testsuite>", 0),
        ("<?xml version='1.0' encoding='nonsense'?><testsuite/>", 0),
        ("<testsuite>" * 5000 + "<testcase name='a'/>" + "</testsuite>" * 5000, 0),
    ],
)
def test_junit_that_is_damaged_forged_or_contradicted_is_never_a_pass(content: str, exit_code: int):
    assert isinstance(junit(content, exit_code), Infrastructure)


def test_a_missing_junit_file_is_never_a_pass():
    assert isinstance(read_junit(None, exit_code=0, seconds=0), Infrastructure)


def test_tests_of_node_are_named_by_the_suites_around_them_and_namesakes_by_number():
    found = junit(
        """<?xml version="1.0" encoding="utf-8"?>
        <testsuites>
        <testcase name="top" classname="test"/>
        <testsuite name="suite" tests="2"><testcase name="inner" classname="test"/>
        <testsuite name="deep"><testcase name="inner" classname="test"><failure/>"""
        """</testcase></testsuite>
        </testsuite>
        <testcase name="top" classname="test"><skipped type="todo"/></testcase>
        </testsuites>""",
        exit_code=1,
    )
    assert results(found) == {
        "top": Outcome.PASSED,
        "suite > inner": Outcome.PASSED,
        "suite > deep > inner": Outcome.FAILED,
        "top #2": Outcome.SKIPPED,
    }


def test_of_several_runs_each_test_ended_as_in_its_worst():
    def a_run(*ends: Outcome) -> Reported:
        results = [TestResult(name, end, 1.0) for name, end in zip("ab", ends, strict=False)]
        code = int(any(end.bad for end in ends))
        return Reported(TestReport(by_id(results), 2.0, code))

    good, bad = Outcome.PASSED, Outcome.FAILED
    found = worst([a_run(good, good), a_run(bad, good), a_run(good)])
    assert isinstance(found, Reported)
    assert found.report.outcomes == {"a": bad, "b": good}
    assert (found.report.exit_code, found.report.seconds) == (1, 6.0)
    assert worst([a_run(good), Infrastructure("killed"), a_run(good)]) == Infrastructure("killed")
