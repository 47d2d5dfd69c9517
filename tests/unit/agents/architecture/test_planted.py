"""Every planted problem is found and fixed as the file beside it says, and no look-alike is."""

import pytest

from services.agents.types.architecture import SPEC
from tests.support.architecture import a_source, changed, findings, proposals
from tests.support.planted import planted

PROBLEMS = list(planted(SPEC.name, "problems"))
LOOK_ALIKES = list(planted(SPEC.name, "look_alikes"))


def test_there_are_enough_of_both():
    assert len(PROBLEMS) >= 15
    assert len(LOOK_ALIKES) >= 15


@pytest.mark.parametrize("each", PROBLEMS, ids=lambda each: each.name)
def test_a_problem_is_found_and_nothing_else_is(each):
    found = sorted((e.rule, e.path, e.line) for e in findings(a_source(each.files)))
    assert found == each.finds


@pytest.mark.parametrize("each", PROBLEMS, ids=lambda each: each.name)
def test_a_problem_is_fixed_exactly_as_expected(each):
    made = [e for e in proposals(a_source(each.files)) if e.changes is not None]
    assert changed(each.files, made) == {**each.files, **each.fixed}
    assert {name for e in made for name in e.conditions} == each.shown
    assert all(e.conditions for e in made) is ("\nasks\n" not in each.head)


@pytest.mark.parametrize("each", [e for e in PROBLEMS if e.fixed], ids=lambda each: each.name)
def test_what_is_fixed_is_gone_and_a_second_wave_changes_nothing(each):
    made = proposals(a_source(each.files))
    after = a_source(changed(each.files, made))
    claimed = {found.fingerprint for e in made if e.changes is not None for found in e.findings}
    assert claimed or "\nasks\n" in each.head
    assert claimed.isdisjoint(e.fingerprint for e in findings(after))
    assert [e for e in proposals(after) if e.changes is not None] == []


@pytest.mark.parametrize("each", LOOK_ALIKES, ids=lambda each: each.name)
def test_a_look_alike_is_not_touched(each):
    source = a_source(each.files)
    rules = {e.rule.partition(":")[2] for e in findings(source)}
    assert each.rule not in rules
    assert [e for e in proposals(source) if e.changes is not None] == []
