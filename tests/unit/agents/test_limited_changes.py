"""A task with a limit submits no more changes than that; advice is no change."""

import pytest

from services.agents.usecases.perform import _within_limit
from tests.support.builders import a_task


class Proposed:
    def __init__(self, changes):
        self.changes = changes


PROPOSALS = [Proposed({"a": "b"}), Proposed(None), Proposed({"c": "d"}), Proposed(None)]


@pytest.mark.parametrize(("limit", "kept"), [(None, 4), (0, 2), (1, 3), (2, 4)])
def test_changes_beyond_the_limit_are_left_out(limit, kept):
    task = a_task(max_changes=limit)
    assert len(_within_limit(PROPOSALS, task)) == kept
