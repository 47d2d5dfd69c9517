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


async def final(tmp_path, text):
    """A file after all proposals, and the rules of these."""
    tree = FakeTree({"shop/__init__.py": "", "shop/a.py": text})
    source = Source(tree, profile_target(tree))
    made = await proposals_of(served_type(tmp_path).engine, source, "shop")
    texts = [each.changes["shop/a.py"][1] for each in made]
    return (texts or [text])[-1], [each.rule.removeprefix("ruff:") for each in made]


async def test_percent_formatting_stays_where_no_f_string_comes_of_it(tmp_path):
    kept = '    b = "%s^" % ",".join(x)\n'
    text = f'def f(n: int, x):\n    a = "%r!" % (n,)\n{kept}    return a, b\n'
    after, rules = await final(tmp_path, text)
    assert after == f'def f(n: int, x):\n    a = f"{{n!r}}!"\n{kept}    return a, b\n'
    assert rules == ["UP031"]


async def test_an_else_with_a_remark_keeps_it(tmp_path):
    text = (
        "def f(a, b):\n    if a:\n        return 1\n    elif b:  # - +\n        return 2\n"
        "    else:  # - -\n        return 3\n"
    )
    after, _ = await final(tmp_path, text)
    assert "    else:  # - -\n        return 3\n" in after


async def test_no_two_proposals_edit_one_line_of_nested_branches(tmp_path):
    text = (
        "def f(a, b):\n    if a:\n        return 1\n    else:\n"
        "        if b:\n            return 2\n        else:\n            return 3\n"
    )
    after, rules = await final(tmp_path, text)
    assert (
        after
        == "def f(a, b):\n    if a:\n        return 1\n    if b:\n        return 2\n    return 3\n"
    )
    assert rules == ["RET505"]


async def test_a_function_that_only_returns_none_is_left_alone(tmp_path):
    text = 'def f():\n    """Do nothing."""\n    return None\n'
    assert await final(tmp_path, text) == (text, [])
