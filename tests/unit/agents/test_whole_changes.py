"""Changes that add files, and changes of several files that make no sense one without the other."""

import pytest

from services.agents.engines.chain import ChainedEngines
from services.agents.usecases.submit import _patch_text
from shared.agent_types import Proposal
from shared.contracts.base import EngineName
from shared.detectors.ports import Source
from shared.targets.profile import profile_target
from tests.support.agents import proposals_of
from tests.support.trees import FakeTree


def a_proposal(**fields):
    return Proposal("key", "tool:rule", EngineName.RULES, "a title", "Why.", **fields)


class Proposing:
    """An engine that proposes one change."""

    def __init__(self, proposal):
        self.proposal = proposal

    async def propose(self, _context):
        yield self.proposal


@pytest.mark.parametrize(("is_whole", "left"), [(False, [{"m.py"}, {"n.py"}]), (True, [{"m.py"}])])
async def test_a_part_of_a_whole_change_is_not_proposed(is_whole, left):
    first = a_proposal(changes={"m.py": ("x\n", "y\n")})
    both = {"m.py": ("x\n", "z\n"), "n.py": ("x\n", "z\n")}
    second = a_proposal(changes=both, is_whole=is_whole)
    tree = FakeTree({"m.py": "x\n", "n.py": "x\n"})
    chain = ChainedEngines([Proposing(first), Proposing(second)])
    made = await proposals_of(chain, Source(tree, profile_target(tree)))
    assert [set(each.changes) for each in made] == left


@pytest.mark.parametrize(("created", "is_new"), [(frozenset({"m.py"}), True), (frozenset(), False)])
def test_a_file_that_a_change_creates_was_not_there_before(created, is_new):
    patch = _patch_text(a_proposal(changes={"m.py": ("", "x = 1\n")}, created=created))
    assert ("new file mode 100644" in patch) is is_new
