"""No worse, crossed whole; and which failing tests are worth running again."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.validator.domain.comparison import BAD, GOOD, no_worse
from services.validator.domain.reports import Outcome
from services.validator.domain.splitting import DEAR, FEW, midpoint, witnesses

T = "t.py::test"
MAYBE = [None, *Outcome]


def runs(outcome):
    return {} if outcome is None else {T: outcome}


@pytest.mark.parametrize(("base", "candidate"), list(product(MAYBE, MAYBE)))
def test_worse_is_what_passed_and_does_not_or_is_new_and_fails(base, candidate):
    expected = (base in GOOD and candidate not in GOOD) or (base is None and candidate in BAD)
    assert no_worse(runs(base), runs(candidate)) == (frozenset({T}) if expected else frozenset())


def test_every_outcome_is_good_or_bad_or_skipped():
    assert not GOOD & BAD
    assert {str(each) for each in set(Outcome) - GOOD - BAD} == {"skipped", "xfailed"}


reports = st.dictionaries(st.sampled_from([f"t::{n}" for n in range(6)]), st.sampled_from(Outcome))


@given(reports)
def test_a_run_is_no_worse_than_itself(report):
    assert not no_worse(report, report)


@given(reports, reports, st.sets(st.sampled_from([f"t::{n}" for n in range(6)])))
def test_what_was_not_asked_is_not_missed(base, candidate, asked):
    ran = {test: now for test, now in candidate.items() if test in asked}
    assert no_worse(base, ran, asked=asked) == no_worse(base, candidate) & asked


def test_a_test_that_was_asked_for_and_vanished_got_worse():
    assert no_worse({T: Outcome.PASSED}, {}, asked=[T]) == {T}
    assert no_worse({T: Outcome.FAILED}, {}, asked=[T, "unknown"]) == frozenset()


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
def test_witnesses_are_few_of_the_failing_and_never_none(seconds, data):
    failing = data.draw(st.sets(st.sampled_from(sorted(seconds)))) if seconds else set()
    chosen = witnesses(failing, seconds)
    assert set(chosen) <= failing
    assert len(chosen) == len(set(chosen)) <= FEW
    assert bool(chosen) == bool(failing)
    assert list(chosen) == sorted(chosen)
    assert witnesses(sorted(failing), seconds) == chosen


@given(durations, st.data())
def test_every_module_has_a_witness_while_there_is_room(seconds, data):
    failing = data.draw(st.sets(st.sampled_from(sorted(seconds)))) if seconds else set()
    modules = {each.partition("::")[0] for each in failing}
    if len(modules) <= FEW:
        assert {each.partition("::")[0] for each in witnesses(failing, seconds)} == modules


def test_cheap_and_few_failing_tests_are_all_run_again():
    failing = [f"m.py::{n}" for n in range(FEW)]
    assert witnesses(failing, dict.fromkeys([*failing, "long"], 1.0) | {"long": 1000.0}) == tuple(
        sorted(failing)
    )


def test_without_durations_all_of_a_few_are_run_again():
    assert witnesses(["b::1", "a::1"], {}) == ("a::1", "b::1")


def test_where_all_would_be_dear_the_quick_ones_of_each_module_are_taken():
    modules = FEW // 2
    seconds = {f"m{n:02}.py::{name}": cost for n in range(modules) for name, cost in SPEEDS.items()}
    assert sum(seconds.values()) > DEAR
    chosen = witnesses(list(seconds), seconds)
    assert len(chosen) == FEW
    assert all(each.endswith(("quick", "middling")) for each in chosen)


SPEEDS = {"slow": 9.0, "quick": 1.0, "middling": 2.0}
