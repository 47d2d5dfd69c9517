"""What is worth doing, and when it is over."""

import pytest

from services.coordinator.domain import waves
from services.coordinator.domain.planning import plan
from shared.contracts.base import Priority, Severity, WaveSize
from shared.contracts.states import EnhancementState, TaskState
from tests.support.builders import a_finding, a_task, an_enhancement


def findings(component, count, **fields):
    return [
        a_finding(component=component, path=f"{component}/{n}.py", **fields) for n in range(count)
    ]


def planned(found, *, foreclosed=None, size=WaveSize.SMALL):
    return plan(found, foreclosed=foreclosed or {}, size=size)


def test_one_opportunity_per_component_the_most_valuable_first():
    found = findings("notes", 3, severity=Severity.NOTE)
    found += findings("errors", 3, severity=Severity.ERROR)
    chosen = planned(found).chosen
    assert [each.component for each in chosen] == ["errors", "notes"]
    assert [each.priority for each in chosen] == [Priority.HIGH, Priority.LOW]
    assert chosen[0].expected_impact == 15


@pytest.mark.parametrize(("size", "limit"), [(WaveSize.SMALL, 5), (WaveSize.LARGE, 15)])
def test_a_wave_has_no_more_tasks_than_its_size_and_says_what_is_left(size, limit):
    found = [each for n in range(20) for each in findings(f"c{n}", 1)]
    decided = planned(found, size=size)
    assert len(decided.chosen) == limit
    assert any(note.startswith("Left for a later wave: c") for note in decided.notes)


def test_fewer_tasks_than_promised_are_explained():
    decided = planned(findings("a", 1))
    assert len(decided.chosen) == 1
    assert "only 1 component has something that can be fixed" in " ".join(decided.notes)


def test_without_findings_there_is_nothing_to_do():
    decided = planned([])
    assert decided.chosen == ()
    assert decided.notes == ("There are no findings, so there is nothing to do.",)


def test_without_automatic_fixes_there_is_nothing_to_do():
    decided = planned(findings("a", 2, fixable="no"))
    assert decided.chosen == ()
    assert decided.notes == ("None of the 2 findings has an automatic fix.",)


def test_what_is_outside_every_component_is_not_planned():
    assert planned(findings("", 3)).chosen == ()


def test_what_was_refused_is_left_out_and_explained():
    found = findings("a", 2)
    why = {each.fingerprint: "refused because of t" for each in found}
    decided = planned(found, foreclosed=why)
    assert decided.chosen == ()
    [note] = decided.notes
    assert note.startswith("2 findings in a (F401) are not tried again: refused because of t, and")


def test_the_rest_of_a_component_is_still_planned():
    found = findings("a", 2)
    decided = planned(found, foreclosed={found[0].fingerprint: "it was rolled back"})
    assert [each.fixable for each in decided.chosen] == [1]


@pytest.mark.parametrize("state", list(EnhancementState))
def test_a_change_is_settled_when_the_gate_is_done_with_it(state):
    waiting = {"proposed", "conflicting", "cleared", "validating", "validated"}
    assert waves.settled([an_enhancement(state=state)]) == (state not in waiting)


@pytest.mark.parametrize("state", list(TaskState))
def test_a_wave_is_over_when_its_tasks_are(state):
    open_states = {"waiting", "assigned", "running", "proposed"}
    assert waves.over([a_task(state=state)]) == (state not in open_states)


def test_a_refusal_is_followed_up_but_not_for_ever():
    refused = [an_enhancement(state=EnhancementState.REJECTED)]
    landed = [an_enhancement(state=EnhancementState.APPLIED)]
    assert waves.needs_follow_up(a_task(round=0), refused)
    assert not waves.needs_follow_up(a_task(round=0), landed)
    assert not waves.needs_follow_up(a_task(round=waves.ROUNDS - 1), refused)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"state": "rejected", "tests": ("t::a", "t::b")}, "refused because of t::a and 1 more"),
        ({"state": "rejected", "tests": ("t::a",)}, "refused because of t::a"),
        ({"state": "rejected", "reason": "protected-path: x"}, "refused: protected-path: x"),
        ({"state": "rejected", "reason": "old-epoch: its task lost its lease"}, None),
        ({"state": "rolled_back"}, "it was rolled back"),
        ({"state": "expired", "reason": "does not apply"}, None),
        ({"state": "applied"}, None),
    ],
)
def test_only_what_is_wrong_in_itself_is_foreclosed(fields, why):
    assert waves.foreclosure(an_enhancement(**fields)) == why
