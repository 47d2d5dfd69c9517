"""What a strict maintainer of boltons or tabulate would have refused, and how it is done now."""

from services.agents.types.code_quality.ruff_fixes import read_fixers
from shared.agent_types import Priors
from shared.detectors.ports import Source
from shared.targets.profile import profile_target
from tests.support.agents import proposals_of, served_type
from tests.support.trees import FakeTree

FIXERS = {each.declaration.code: each for each in read_fixers(Priors())}


async def test_a_copy_is_not_made_only_to_be_unpacked(tmp_path):
    text = "def f(i, rows):\n    return [i] + list(rows[0])\n"
    tree = FakeTree({"shop/__init__.py": "", "shop/a.py": text})
    source = Source(tree, profile_target(tree))
    [made] = await proposals_of(served_type(tmp_path).engine, source, "shop")
    assert made.changes["shop/a.py"][1] == "def f(i, rows):\n    return [i, *rows[0]]\n"
    assert made.conditions == ("aliasing.unpacked-sum",)


def test_a_reason_says_why_and_not_only_what():
    said = {code: each.why() for code, each in FIXERS.items()}
    assert [code for code, why in said.items() if not why] == []
    assert [code for code, why in said.items() if why.startswith("In Python, the ")] == []


def test_no_proof_answers_for_what_type_checkers_read():
    assert FIXERS["PLC0414"].declaration.behaviour.beyond_program
