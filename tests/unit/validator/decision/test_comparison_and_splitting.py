"""No worse, crossed whole; and which failing tests are worth running again."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.validator.decision.comparison import FAILING, PASSING, compare_reports, worse_tests
from services.validator.decision.evidence import (
    UNKNOWN_SUITE,
    Candidate,
    NeedRuns,
    Reject,
    RunComparison,
    SuiteProfile,
)
from services.validator.decision.gate import decide
from services.validator.decision.splitting import (
    MAX_RERUN_TESTS,
    choose_first_tests,
    choose_reruns,
    max_groups_at_once,
    midpoint,
    quick_gate_pays,
    suspicion,
)
from services.validator.suite.domain.reports import Outcome, TestReport, TestResult

T = "t.py::test"
MAYBE = [None, *Outcome]


def runs(outcome):
    return {} if outcome is None else {T: outcome}


@pytest.mark.parametrize(("base", "candidate"), list(product(MAYBE, MAYBE)))
def test_worse_is_what_passed_and_does_not_or_fails_where_it_did_not(base, candidate):
    """Also what was skipped or expected to fail: the suite would be red."""
    expected = (base in PASSING and candidate not in PASSING) or (
        base not in FAILING and candidate in FAILING
    )
    assert worse_tests(runs(base), runs(candidate)) == (frozenset({T}) if expected else frozenset())


def test_every_outcome_is_good_or_bad_or_skipped():
    assert not PASSING & FAILING
    assert {str(each) for each in set(Outcome) - PASSING - FAILING} == {"skipped", "xfailed"}


reports = st.dictionaries(st.sampled_from([f"t::{n}" for n in range(6)]), st.sampled_from(Outcome))


@given(reports)
def test_a_run_is_no_worse_than_itself(report):
    assert not worse_tests(report, report)


@given(reports, reports, st.sets(st.sampled_from([f"t::{n}" for n in range(6)])))
def test_what_was_not_asked_is_not_missed(base, candidate, asked):
    ran = {test: now for test, now in candidate.items() if test in asked}
    assert worse_tests(base, ran, requested=asked) == worse_tests(base, candidate) & asked


def test_a_test_that_was_asked_for_and_vanished_got_worse():
    assert worse_tests({T: Outcome.PASSED}, {}, requested=[T]) == {T}
    assert worse_tests({T: Outcome.FAILED}, {}, requested=[T, "unknown"]) == frozenset()


@pytest.mark.parametrize("now", [None, "skipped", "xfailed", "failed", "error"])
@pytest.mark.parametrize(
    ("test", "edited"),
    [
        ("tests/test_m.py::test_a", True),
        ("tests.test_m.T.test_a", True),
        ("test_m.T.test_a", True),
        ("tests.test_m::test_a", True),
        ("tests/test_m.py > it adds", True),
        ("tests/test_m2.py::test_a", False),
        ("test_m2.T.test_a", False),
        ("tests/test_n.py::test_a", False),
    ],
)
def test_only_a_test_of_an_edited_file_may_be_dropped_and_none_may_fail(test, edited, now):
    passed, kept = {test: Outcome.PASSED}, "other::test"
    candidate = {kept: Outcome.PASSED} | ({test: Outcome(now)} if now else {})
    base = passed | {kept: Outcome.PASSED}
    dropped = edited and now not in {"failed", "error"}
    found = compare_reports(
        *(TestReport({t: TestResult(t, o) for t, o in each.items()}) for each in (base, candidate)),
        approved=["tests/test_m.py"],
    )
    assert found.worse == (frozenset() if dropped else {test})
    assert found.dropped == ({test} if dropped else frozenset())


@given(st.integers(0, 500), st.integers(2, 500))
def test_a_midpoint_is_between_and_halves(low, width):
    middle = midpoint(low, low + width)
    assert low < middle < low + width
    assert abs((middle - low) - (low + width - middle)) <= 1


durations = st.dictionaries(
    st.builds("m{}.py::t{}".format, st.integers(0, 40), st.integers(0, 9)),
    st.floats(0, 100),
    max_size=80,
)


@given(durations, st.data())
def test_tests_to_rerun_are_some_of_the_failing_ones_and_never_none(seconds, data):
    failing = data.draw(st.sets(st.sampled_from(sorted(seconds)))) if seconds else set()
    known = SuiteProfile(seconds)
    chosen = choose_reruns(failing, known)
    assert set(chosen) <= failing
    assert len(chosen) == len(set(chosen)) <= MAX_RERUN_TESTS
    assert bool(chosen) == bool(failing)
    assert list(chosen) == sorted(chosen)
    assert choose_reruns(sorted(failing), known) == chosen


@given(durations, st.data())
def test_every_module_has_a_test_to_rerun_while_there_is_room(seconds, data):
    failing = data.draw(st.sets(st.sampled_from(sorted(seconds)))) if seconds else set()
    modules = {each.partition("::")[0] for each in failing}
    if len(modules) <= MAX_RERUN_TESTS:
        assert {
            each.partition("::")[0] for each in choose_reruns(failing, SuiteProfile(seconds))
        } == modules


def test_cheap_failing_tests_are_all_run_again():
    failing = tuple(sorted(f"m.py::{n}" for n in range(MAX_RERUN_TESTS)))
    seconds = dict.fromkeys(failing, 1.0) | {"long": 1000.0}
    assert choose_reruns(failing, SuiteProfile(seconds)) == failing


def test_without_durations_all_of_a_few_are_run_again():
    assert choose_reruns(["b::1", "a::1"], UNKNOWN_SUITE) == ("a::1", "b::1")


def test_where_all_would_be_dear_the_quick_ones_of_each_module_are_taken():
    modules = MAX_RERUN_TESTS * 4 // 5
    seconds = {f"m{n:03}.py::{name}": cost for n in range(modules) for name, cost in SPEEDS.items()}
    chosen = choose_reruns(list(seconds), SuiteProfile(seconds))
    assert chosen == tuple(sorted(each for each in seconds if each.endswith("quick")))


SPEEDS = {"slow": 9.0, "quick": 1.0, "middling": 6.0}


def candidate(name: str, risk: float, impacted: set[str] | None) -> Candidate:
    reach = frozenset(impacted) if impacted is not None else None
    return Candidate(name, 0, risk, impacted=reach)


CHEAP = SuiteProfile({f"t::{n}": 1.0 for n in range(100)}, startup=1.0)


@pytest.mark.parametrize(("risk", "pays"), [(0.5, True), (0.001, False)])
def test_a_few_risky_changes_are_each_tried_first_and_safe_ones_are_not(risk, pays):
    few = [candidate(str(n), risk, {f"t::{n}"}) for n in range(3)]
    assert quick_gate_pays(few, CHEAP) is pays
    assert bool(choose_first_tests(few, CHEAP)) is pays


def test_where_nobody_knows_what_reaches_a_change_all_of_them_go_to_the_full_run():
    some = [candidate("a", 0.5, {"t::1"}), candidate("b", 0.5, None)]
    assert choose_first_tests(some, CHEAP) == frozenset()


def test_a_suspect_that_does_not_reach_a_test_is_hardly_suspected_of_it():
    near, far = candidate("a", 0.2, {"t::1"}), candidate("b", 0.2, {"t::2"})
    assert suspicion(near, "t::1") > 10 * suspicion(far, "t::1") > 0


def report(**outcomes: str) -> TestReport:
    found = {
        test: TestResult(
            test, Outcome(outcome.rstrip("0123456789")), failures=int(outcome[6:] or 0)
        )
        if outcome.startswith("failed")
        else TestResult(test, Outcome(outcome))
        for test, outcome in outcomes.items()
    }
    return TestReport(found)


def test_of_a_run_that_repeats_its_tests_it_is_known_how_often_each_failed():
    base = report(now_and_then="passed", always="passed", gone="passed", fine="passed")
    again = report(now_and_then="failed3", always="failed10", fine="passed", new="failed10")
    seen = compare_reports(base, again, repeat=10)
    assert seen.worse == {"now_and_then", "always", "gone", "new"}
    assert seen.new == {"new"}
    assert seen.failures == {"now_and_then": 3, "always": 10, "new": 10}
    assert compare_reports(base, again, tests=("fine",)).worse == {"new"}


def test_what_is_not_counted_failed_each_time_and_so_is_not_taken_for_flaky():
    """In a suite that any run costs nearly all of, a run to confirm repeats its tests."""
    dear = SuiteProfile({"t::a": 0.05, "t::b": 0.05}, startup=1.0)
    log: dict = {}
    while isinstance(step := decide([Candidate("x", 0)], log, suite=dear), NeedRuns):
        run = step.runs[0].plan
        log[run] = RunComparison(frozenset({"t::a"}) if run.changes else frozenset())
    assert isinstance(step, Reject)
    assert any(run.repeat > 1 for run in log)


def test_what_is_not_known_to_cost_anything_may_be_asked_for_all_at_once():
    assert max_groups_at_once(SuiteProfile({"t::a": 1.0}), ("t::new",)) == MAX_RERUN_TESTS
    assert max_groups_at_once(CHEAP, ("t::1",)) == round(101 / 2)
