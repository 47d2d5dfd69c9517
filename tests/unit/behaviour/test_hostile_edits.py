"""No condition lets an edit pass that can change what the program does."""

import pytest

from shared.behaviour import check_behaviour
from shared.behaviour.repository_names import RepositoryNames
from tests.support.trees import FakeTree
from tests.unit.behaviour.hostile_edits import HOSTILE, Hostile

ALONE = RepositoryNames(FakeTree({"m.py": ""}))


@pytest.mark.parametrize("edit", HOSTILE, ids=lambda each: f"{each.conditions}: {each.after!r}")
def test_a_hostile_edit_meets_no_condition(edit: Hostile):
    found = check_behaviour(
        "m.py",
        edit.before,
        edit.after,
        edit.conditions.split(),
        taken=ALONE,
        oldest_python=edit.oldest_python,
    )
    assert not found.keeps_behaviour, found.shown
