"""How many runs the search for the culprits among 45 changes takes."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import fmean

import pytest

from bench import peers
from bench.gate_simulation import Story, simulate
from bench.worlds import Fault, World
from services.validator.decision.evidence import RequestedRun
from shared.contracts.base import RunPurpose
from tests.support.gatekeeping import CheckedGateSimulation

SIZE, HALVINGS = 45, 6
PLACES = range(0, SIZE, 4)
SUITE = tuple(f"tests/test_{file}.py::test_{n}" for file in range(10) for n in range(100))
SEARCH = {RunPurpose.BISECTION, RunPurpose.BLAME}


@dataclass
class Search:
    """The runs of a simulated gate, as many at once as it has runners, round by round."""

    story: Story
    rounds: list[list[RequestedRun]] = field(default_factory=list)

    def searching(self) -> list[RequestedRun]:
        """The runs of parts of the batch, and of changes alone."""
        return [run for each in self.rounds for run in each if run.purpose in SEARCH]

    def rounds_searching(self) -> int:
        return sum(any(run.purpose in SEARCH for run in each) for each in self.rounds)

    def targeted(self) -> int:
        """The number of all runs but full ones and checks of what is left of the batch."""
        runs = [run for each in self.rounds for run in each if run.plan.tests]
        return sum(run.purpose is not RunPurpose.CHECK for run in runs)

    def rejected(self) -> list[int]:
        return sorted(each.change for each in self.story.rejected)


def search(world: World, runners: int = 1, reach: Mapping[int, frozenset[str]] | None = None):
    gate = CheckedGateSimulation.of(world, max_runs=runners, impacted=(reach or {}).get)
    found = Search(gate.story)
    while runs := gate.requested_runs():
        found.rounds.append(list(runs))
        for each in runs:
            gate.add_evidence(each.plan, gate.target.observe(each.plan))
    return found


def breaks_nine(*changes: int) -> Fault:
    """The changes together break nine tests of nine files."""
    tests = (SUITE[(37 * sum(changes) + 101 * n) % len(SUITE)] for n in range(9))
    return Fault(sum(1 << each for each in changes), frozenset(tests))


def a_world(*faults: Fault, **fields) -> World:
    return World("0", SIZE, SUITE, faults, **{"risk": 0.05, "targeted": 0.1, **fields})


@pytest.mark.parametrize("targeted", [0.1, 0.5])
@pytest.mark.parametrize("risk", [0.01, 0.05, 0.3])
def test_one_culprit_of_nine_tests_is_the_only_suspect_after_log2_n_runs(risk, targeted):
    """One more run shows that it breaks them alone, and one that they pass on the head."""
    found = [search(a_world(breaks_nine(n), risk=risk, targeted=targeted)) for n in PLACES]
    assert [each.rejected() for each in found] == [[n] for n in PLACES]
    assert max(len(each.searching()) for each in found) <= HALVINGS + 1
    assert fmean(each.targeted() for each in found) <= HALVINGS + 2


@pytest.mark.parametrize("targeted", [0.1, 0.3])
@pytest.mark.parametrize("runners", [2, 4, 8])
def test_more_runners_take_fewer_rounds_and_cost_less_than_any_peer(runners, targeted):
    worlds = [a_world(breaks_nine(n), targeted=targeted) for n in PLACES]
    assert max(search(each, runners).rounds_searching() for each in worlds) <= HALVINGS
    costs = [simulate(each, runners=runners).cost for each in worlds]
    others = (peers.serial, peers.dorfman, peers.bors, peers.adaptive)
    cheapest = min(sum(judge(each).cost for each in worlds) for judge in others)
    assert sum(costs) < cheapest


def wrong_reach(world: World, seed: int) -> dict[int, frozenset[str]]:
    """Each change seems to reach some tests, and the culprit none of those that it breaks."""
    chance = random.Random(seed)
    broken = frozenset(test for each in world.faults for test in each.tests)
    return {
        n: frozenset(t for t in SUITE if chance.random() < 0.05)
        - (broken if any(each.together >> n & 1 for each in world.faults) else frozenset())
        for n in range(world.size)
    }


def test_a_culprit_that_seems_to_reach_none_of_the_tests_takes_no_more_runs():
    worlds = [a_world(breaks_nine(n)) for n in PLACES]
    found = [search(each, reach=wrong_reach(each, n)) for n, each in enumerate(worlds)]
    assert [each.rejected() for each in found] == [[n] for n in PLACES]
    assert max(len(each.searching()) for each in found) <= HALVINGS + 1


@pytest.mark.parametrize("targeted", [0.1, 0.3, 0.5])
@pytest.mark.parametrize("risk", [0.01, 0.1])
def test_culprits_that_alone_reach_what_they_break_take_a_run_each(risk, targeted):
    """However much a run costs: nothing else is to be found out."""
    world = World(
        "0", 15, SUITE, tuple(breaks_nine(n) for n in (2, 7, 12)), risk=risk, targeted=targeted
    )
    reach = {n: frozenset(SUITE[n : n + 1]) for n in range(world.size)}
    reach |= {fault.together.bit_length() - 1: fault.tests for fault in world.faults}
    found = search(world, reach=reach)
    assert found.rejected() == [2, 7, 12]
    assert len(found.searching()) == len(world.faults)


@pytest.mark.parametrize("culprits", [2, 3])
def test_each_further_culprit_takes_few_more_runs(culprits):
    for first in PLACES:
        bad = sorted((first + 13 * n) % SIZE for n in range(culprits))
        found = search(a_world(*(breaks_nine(each) for each in bad)))
        assert found.rejected() == bad
        assert len(found.searching()) <= HALVINGS + 2 * culprits


def test_two_that_break_nine_tests_only_together_are_found_in_twice_as_many_runs():
    for one, other in [(0, 1), (3, 40), (20, 25)]:
        found = search(a_world(breaks_nine(one, other)))
        assert found.rejected() == [other]
        assert one in found.story.landed()
        assert len(found.searching()) <= 4 * HALVINGS


def test_tests_that_fail_by_chance_blame_no_change():
    flaky = dict.fromkeys(SUITE[::50], 0.3)
    found = search(a_world(breaks_nine(17), flaky=flaky))
    assert found.rejected() == [17]
    assert len(found.story.landed()) == SIZE - 1
