"""The gate on whole worlds: what lands, what is refused, what it costs."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.gate_simulation import Story, simulate
from bench.worlds import Fault, Odds, World, draw
from services.validator.decision.evidence import RunPlan
from tests.support.gatekeeping import SUITE, CheckedGateSimulation, a_new_test, check_end, worlds


def finish(world: World, width: int = 1) -> Story:
    """Every decision watched, every change ended."""
    story = CheckedGateSimulation.of(world, max_runs=width).run()
    check_end(story, world, range(world.size))
    return story


def a_world(*faults: Fault, size: int = 8, **fields) -> World:
    return World("0", size, SUITE, faults, **fields)


def breaks(*changes: int, test: int = 0, mended: int = 0) -> Fault:
    return Fault(sum(1 << each for each in changes), frozenset({SUITE[test]}), mended)


def refused(story: Story) -> set[int]:
    return {each.change for each in story.rejected}


@settings(max_examples=150)
@given(worlds(), st.integers(1, 4))
def test_everybody_ends_once_and_by_the_rules_on_any_number_of_runners(world: World, width: int):
    finish(world, width)


@settings(max_examples=100)
@given(worlds(calm=True), st.integers(1, 4))
def test_where_nothing_happens_by_chance_only_what_is_bad_is_refused(world: World, width: int):
    story = finish(world, width)
    assert not story.wrong_rejections(world)
    assert set(story.undecided) <= world.silent


@settings(max_examples=60)
@given(worlds(calm=True), st.integers(2, 8))
def test_more_runners_end_each_change_as_one_does(world: World, width: int):
    alone = [replace(each, mended=0) for each in world.faults if each.together.bit_count() == 1]
    world = replace(world, faults=tuple(alone), needs={})
    one, many = finish(world), finish(world, width)
    assert set(one.landed()) == set(many.landed())
    assert refused(one) == refused(many)


def test_a_good_batch_lands_in_one_full_run():
    story = finish(a_world())
    assert story.landed() == list(range(8))
    assert [run for _, run in story.runs] == [RunPlan(tuple(str(n) for n in range(8)))]


def test_what_one_change_breaks_and_another_mends_lands_together():
    story = finish(a_world(breaks(2, mended=1 << 5)))
    assert sorted(story.landed()) == list(range(8))


def test_of_a_conflict_one_lands_and_the_other_is_refused_on_the_head_that_has_it():
    story = finish(a_world(breaks(1, 4)))
    (refusal,) = story.rejected
    assert refusal.change in {1, 4}
    assert refusal.head & 0b10010
    assert len(story.landed()) == 7


def test_what_stands_on_a_refused_change_is_not_refused_with_it():
    story = finish(a_world(breaks(2), needs={5: frozenset({2})}))
    assert refused(story) == {2}
    assert story.orphaned == [5]


def test_a_change_that_adds_a_flaky_test_does_not_land():
    story = finish(a_world(new={3: {a_new_test(3): 0.3}}))
    assert 3 not in story.landed()
    assert len(story.landed()) == 7


def test_a_change_with_which_nothing_reports_is_neither_landed_nor_refused():
    story = finish(a_world(silent=frozenset({6})))
    assert story.undecided == [6]
    assert len(story.landed()) == 7


def test_where_chosen_tests_cannot_be_run_what_is_good_still_lands():
    story = finish(a_world(breaks(2), only_full=True, flaky={SUITE[8]: 0.3}))
    assert 2 not in story.landed()
    assert not story.wrong_rejections(a_world())
    assert len(story.landed()) >= 5


@pytest.mark.parametrize(("fault", "most"), [(breaks(8), 5.5), (breaks(7, 8), 7.0)])
def test_where_runs_are_dear_one_culprit_or_one_pair_costs_no_more_than_halving(
    fault: Fault, most: float
):
    story = finish(a_world(fault, size=15, risk=0.03, targeted=0.5))
    assert refused(story) == {8}
    assert story.cost <= most


def test_what_failed_on_the_head_already_is_held_against_nobody():
    story = finish(a_world(breaks(test=3), breaks(1, test=3)))
    assert len(story.landed()) == 8


@pytest.mark.parametrize("runners", [1, 8])
@pytest.mark.parametrize("bad", [0.02, 0.3])
def test_flaky_suites_cost_no_good_change_its_landing(bad: float, runners: int):
    worlds_ = [draw(seed, Odds(40, bad, flaky=20)) for seed in range(4)]
    stories = [simulate(world, runners=runners) for world in worlds_]
    assert not sum(story.wrong_landings(w) for story, w in zip(stories, worlds_, strict=True))
    assert not sum(story.wrong_rejections(w) for story, w in zip(stories, worlds_, strict=True))


def test_runs_that_break_by_chance_cost_repetitions_but_no_change():
    world = a_world(breaks(2), infrastructure=0.05)
    stories = [finish(replace(world, seed=str(seed))) for seed in range(10)]
    assert all(refused(story) <= {2} for story in stories)
    assert sum(len(story.landed()) for story in stories) >= 65
