"""The conditions of this type hold for edits that keep behaviour, and for no others."""

import pytest

from services.agents.types.performance.spec import SPEC
from shared.behaviour import check_behaviour
from shared.behaviour.repository_names import RepositoryNames
from tests.support.trees import FakeTree
from tests.unit.agents.performance.edits import HOSTILE, KEPT, Tried


def checked(edit: Tried):
    taken = RepositoryNames(FakeTree({"m.py": edit.before, **dict(edit.others)}))
    conditions = edit.condition.split()
    return check_behaviour(
        "m.py", edit.before, edit.after, conditions, taken=taken, oldest_python=(3, 11)
    )


@pytest.mark.parametrize("edit", KEPT, ids=lambda each: f"{each.condition}: {each.after!r}")
def test_an_edit_that_keeps_behaviour_is_shown(edit):
    found = checked(edit)
    assert found.keeps_behaviour, found.open
    assert found.shown


@pytest.mark.parametrize("edit", HOSTILE, ids=lambda each: f"{each.condition}: {each.after!r}")
def test_a_hostile_edit_is_not(edit):
    found = checked(edit)
    assert not found.keeps_behaviour, found.shown


def test_every_condition_of_a_rule_has_edits_of_both_kinds():
    declared = {name for each in SPEC.fixers for name in each.declaration.behaviour.unless}
    for edits in (KEPT, HOSTILE):
        assert declared == {name for each in edits for name in each.condition.split()}
