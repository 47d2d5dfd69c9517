"""Each condition has code on which it holds and code on which it does not, by ruff's own fixes."""

from pathlib import Path

import pytest

from services.agents.types.code_quality.spec import RUFF_FIXERS
from shared.behaviour import BehaviourCheck, check_behaviour
from shared.behaviour.conditions import GENERAL
from shared.behaviour.repository_names import RepositoryNames
from shared.detectors.ruff.configuration import Configuration
from shared.detectors.ruff.process import Ruff
from shared.detectors.texts import apply_fixes
from tests.support.trees import FakeTree
from tests.unit.behaviour.cases import CASES

DECLARED = {each.declaration.code: each.declaration.behaviour for each in RUFF_FIXERS}
EMPTY = RepositoryNames(FakeTree({"m.py": "", "n.py": "from m import taken\n"}))
SIDES = [
    (n, side) for n, case in enumerate(CASES) for side in ("holds", "open") if getattr(case, side)
]


@pytest.fixture(scope="module")
def fixed(tmp_path_factory):
    """What ruff makes of each case by its rule alone, by (number, side)."""
    folder = tmp_path_factory.mktemp("cases")
    return fix_cases(
        folder, {f"{n}_{side}.py": (CASES[n].rule, getattr(CASES[n], side)) for n, side in SIDES}
    )


def fix_cases(folder: Path, files: dict[str, tuple[str, str]]) -> dict[str, str]:
    """Apply all of ruff's fixes of one rule to each file, as the engine does."""
    ruff = Ruff(folder, "py312", 100, Configuration({}))
    ruff.write({path: text for path, (_, text) in files.items()})
    fixed = {path: text for path, (_, text) in files.items()}
    found = ruff.check({rule for rule, _ in files.values()})
    for path, (rule, text) in files.items():
        edits = [each.edits for each in found if each.path == path and each.code == rule]
        fixed[path], _ = apply_fixes(text, edits)
    return fixed


@pytest.mark.parametrize(("number", "side"), SIDES)
def test_a_condition_holds_or_not(fixed, number, side):
    case = CASES[number]
    before = getattr(case, side)
    after = (case.after if side == "open" else case.made) or fixed[f"{number}_{side}.py"]
    assert after != before, "ruff offers no fix"
    found = check_behaviour(
        "m.py", before, after, [case.condition], taken=EMPTY, oldest_python=(3, 10)
    )
    assert found.keeps_behaviour is (side == "holds"), found


def test_every_condition_has_a_case_where_it_holds_and_one_where_it_does_not():
    """What a fix of any rule may do besides has its own test below.

    Conditions that only rules of other agent types name are tested with those rules.
    """
    declared = {each for behaviour in DECLARED.values() for each in behaviour.unless}
    for side in ("holds", "open"):
        tried = {case.condition for case in CASES if getattr(case, side)}
        assert declared - set(GENERAL) == tried


def test_every_case_is_one_of_its_rule():
    for case in CASES:
        assert case.condition in DECLARED[case.rule].unless, case


def test_every_rule_with_a_condition_has_a_case():
    """Also where another rule is decided by the same condition."""
    conditional = {code for code, each in DECLARED.items() if each.unless}
    assert conditional == {case.rule for case in CASES}


ADDED = "import os\n\nos.getcwd()\n"


@pytest.mark.parametrize(
    ("added", "shown"),
    [
        ("import contextlib", True),
        ("from functools import cache", True),
        ("import m", False),
        ("import readline", False),
        ("from os import getcwd as os", False),
        ("import logging.handlers", False),
    ],
)
def test_a_fix_may_import_from_the_standard_library_under_a_free_name(added, shown):
    found = check_behaviour(
        "m.py", ADDED, f"{added}\n{ADDED}", [], taken=EMPTY, oldest_python=(3, 10)
    )
    assert found.keeps_behaviour is shown, found


def test_comments_and_layout_are_no_behaviour():
    found = check_behaviour("m.py", "x = (1,2)  # a\n", "x = (\n    1,\n    2,\n)\n", [])
    assert found == BehaviourCheck()


def test_an_edit_that_is_not_the_rules_own_is_open():
    """An author cannot hide another edit behind the rule that it names."""
    before = "import os\n\n\ndef f():\n    return 1\n"
    after = "def f():\n    return 2\n"
    found = check_behaviour("m.py", before, after, ["reflection.unused-import"], taken=EMPTY)
    assert [each.line for each in found.open] == [5]
    assert found.shown == {"reflection.unused-import"}


def test_what_cannot_be_parsed_is_open():
    assert not check_behaviour("m.py", "x = 1\n", "x = \n", []).keeps_behaviour


def test_each_place_is_judged_by_itself():
    before = (
        "def f(a):\n    b = dict(x=1)\n    c = list(next(d) for d in a)\n    return b, dict(), c\n"
    )
    after = "def f(a):\n    b = {'x': 1}\n    c = [next(d) for d in a]\n    return b, {}, c\n"
    unless = ["spelling.display", "exceptions.comprehension"]
    found = check_behaviour("m.py", before, after, unless)
    assert [each.line for each in found.open] == [3]
    assert "`next(d)`" in found.open[0].reason


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [("", "x = 1\n", 1), ("if a:\n    b()\n", "if a:\n    b()\nelse:\n    c()\n", 1)],
    ids=["an empty file", "a block that was not there"],
)
def test_code_where_there_was_none_is_open(before, after, line):
    assert [each.line for each in check_behaviour("m.py", before, after, []).open] == [line]


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ('"{}".format(str(a))', 'f"{a!s}"'),
        ('"{:>3} {}".format(repr(a), ascii(f()))', 'f"{a!r:>3} {f()!a}"'),
        ('"{} {} {}".format("b", str(f(a)), c.d)', "f\"{'b'} {f(a)!s} {c.d}\""),
        ('"{a} {b}".format(a=str(x), b=f())', 'f"{x!s} {f()}"'),
        ('"{} {}".format(str(a), g(b))', 'f"{str(a)} {g(b)}"'),
    ],
)
def test_a_conversion_may_become_the_flag_of_a_field(call, text):
    """UP032 leaves `{str(x)}`, and RUF010 makes it `{x!s}` in the same change."""
    unless = DECLARED["UP032"].unless
    found = check_behaviour("m.py", f"x = {call}\n", f"x = {text}\n", unless, taken=EMPTY)
    assert found.keeps_behaviour, found
