"""Which mutants are placed where a change touched a file: pure, on small texts."""

import ast
import heapq
import importlib
import inspect
import textwrap
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.validator.mutation.domain.blocks import MutantTiming
from services.validator.mutation.domain.operators import find_mutants
from services.validator.mutation.domain.placement import place_mutants
from services.validator.mutation.domain.plan import (
    ChangedFile,
    MutantResult,
    MutationReport,
    PlacedMutant,
)
from services.validator.mutation.domain.protection import judge_protection
from services.validator.mutation.domain.rendering import render
from services.validator.mutation.domain.selection import required_tests, without_expensive
from services.validator.mutation.domain.source_code import Code
from services.validator.mutation.domain.touched import TouchedLines, touched
from shared.contracts.documents.protection import Protection, protection_share

ALL = 1000


def plan_for(before, after, limit=ALL):
    return place_mutants({"c": [ChangedFile("m.py", (before.encode(), after.encode()))]}, limit)


def whats(plan):
    return [each.mutant.description for each in plan.mutants]


def in_function(line):
    return f"def f(a, b, c):\n    {line}\n"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("if a: return b", "`a` became `not a`"),
        ("while f(a): pass", "`f(a)` became `not f(a)`"),
        ("return not a", "`not a` became `a`"),
        ("return b if a else c", "`b if a else c` became `b if not a else c`"),
        ("return a < b", "`a < b` became `a <= b`"),
        ("return a >= b", "`a >= b` became `a > b`"),
        ("return a == b", "`a == b` became `a != b`"),
        ("return a is not b", "`a is not b` became `a is b`"),
        ("return a in b", "`a in b` became `a not in b`"),
        ("return a and b", "`a and b` became `a or b`"),
        ("return a + b", "`a + b` became `a - b`"),
        ("return a * b", "`a * b` became `a // b`"),
        ("f(7)", "`7` became `8`"),
        ("f(True)", "`True` became `False`"),
        ("f('text')", "`'text'` became `''`"),
        ("f('')", "`''` became `'mutant'`"),
        ("return f(a)", "`f(a)` became `None`"),
        ("return None", "`None` became `1`"),
        ("if a: return\n    f(b)", "`a` became `not a`"),
        ("return", "`return` was left out"),
        ("f(a)", "`f(a)` was left out"),
        ("a.b = c", "`a.b = c` was left out"),
        ("a += 1", "`a += 1` was left out"),
        ("raise ValueError(a)", "`raise ValueError(a)` was left out"),
        ("del a[0]", "`del a[0]` was left out"),
        ("for x in a: f(x)", "`a` was empty"),
        ("x = f(a)", "`f(a)` became `None`"),
        ("with a: pass", "an error was raised here"),
        ("log.info('x')", "an error was raised here"),
        ("é = 'é'; return a == b", "`a == b` became `a != b`"),
    ],
)
def test_each_operator_makes_its_mutant(line, expected):
    assert expected in whats(plan_for(in_function("pass"), in_function(line)))


def test_an_except_is_made_to_catch_nothing():
    before = in_function("try:\n        f(a)\n    except (ValueError, KeyError): f(b)")
    after = before.replace("(ValueError, KeyError)", "ValueError")
    assert "`except ValueError` caught nothing" in whats(plan_for(before, after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f(a):\n    return a\n", "def f(a):\n    # why\n    return a\n"),
        ("def f(a):\n    return a\n", 'def f(a):\n    """Doc."""\n\n    return a\n'),
        ("def f(a):\n    return a\n", "def f(a: int = 1) -> str:\n    return a\n"),
        ("def f(a):\n    return 1 + a\n", "def f(a):\n    return (\n        1 + a\n    )\n"),
        ("def f(a):\n    return 1\n    # old\n", "def f(a):\n    return 1\n"),
        ("def f(a):\n    pass\n    return 1\n", "def f(a):\n    return 1\n"),
        ("def f(a: Optional[int] = 1): return a\n", "def f(a: int | None = 1): return a\n"),
        ("x: List[int] = []\n", "x: list[int] = []\n"),
    ],
)
def test_nothing_that_can_be_wrong_is_not_counted(before, after):
    after = after.replace(": int = 1", ": int") if "Optional" not in before else after
    found = plan_for(before, after)
    assert not found.mutants
    assert judge_protection(found, "c", None).state == "nothing"


def test_annotations_beside_a_real_change_are_not_counted_either():
    before = "def f(a: Optional[int] = 1):\n    return a\n\n\ndef g(a):\n    return a\n"
    after = before.replace("Optional[int]", "int | None").replace(
        "g(a):\n    return a", "g(a):\n    return -a"
    )
    assert {each.mutant.line for each in plan_for(before, after).mutants} == {6}


def test_there_are_no_mutants_inside_strings_patterns_and_targets():
    body = 'match a:\n        case 1: f(f"{a + 1}")\n    del a[1]\n    global q\n'
    operators = {
        each.mutant.operator for each in plan_for(in_function("pass"), in_function(body)).mutants
    }
    assert operators == {"drop"}


def test_what_is_said_to_people_only_is_not_made_another_text():
    found = whats(plan_for(in_function("pass"), in_function("raise ValueError('a ' + b, 3)")))
    assert "`3` became `4`" in found
    assert not [each for each in found if each.startswith("`'a '`")]


@pytest.mark.parametrize(
    ("before", "after", "line", "when"),
    [
        # Taken out of a function, in its middle, at its end, and of a block in it.
        ("def f(a):\n    f(a)\n    return a\n", "def f(a):\n    return a\n", 2, MutantTiming.CALL),
        (
            "def f(a):\n    f(a)\n    g(a)\n\n\nx = 1\n",
            "def f(a):\n    f(a)\n\n\nx = 1\n",
            3,
            MutantTiming.CALL,
        ),
        (
            "def f(a):\n    if a:\n        g()\n        h()\n    x()\n",
            "def f(a):\n    if a:\n        g()\n    x()\n",
            4,
            MutantTiming.CALL,
        ),
        # Taken out of the module and of a class.
        ("import os\nimport sys\nx = sys\n", "import sys\nx = sys\n", 1, MutantTiming.IMPORTED),
        (
            "class A:\n    x = 1\n    y = 2\n\n    def f(self):\n        return 1\n",
            "class A:\n    x = 1\n\n    def f(self):\n        return 1\n",
            3,
            MutantTiming.IMPORTED,
        ),
        # A condition may not hold, so only a run can tell.
        (
            "if q:\n    import os\n    import sys\n",
            "if q:\n    import sys\n",
            2,
            MutantTiming.REACH,
        ),
    ],
)  # fmt: skip
def test_where_something_was_taken_out_it_is_looked_whether_any_test_gets_there(
    before, after, line, when
):
    [fault] = plan_for(before, after).mutants
    assert (fault.mutant.line, fault.mutant.when) == (line, when)
    if when is MutantTiming.CALL:
        assert fault.mutant.operator == "place"


def test_an_error_is_raised_in_the_block_that_something_was_taken_out_of():
    before = "def f(a):\n    if a:\n        g()\n        h()\n    x()\n"
    files = plan_for(before, before.replace("        h()\n", "")).files
    assert files["m.py"] == "def f(a):\n    if a:\n        __gs_raise__(0); g()\n    x()\n"


def test_which_block_something_was_taken_out_of_is_told_by_its_indent():
    before = "def f(a):\n    if a:\n        g()\n    h()\n    x()\n"
    files = plan_for(before, before.replace("    h()\n", "")).files
    assert files["m.py"] == "def f(a):\n    if a:\n        g()\n    __gs_raise__(0); x()\n"


def test_what_runs_at_import_is_tried_by_itself_for_a_few_and_looked_for_otherwise():
    before = "A = 1\nb = f\nC = 2\nd = f\nE = 3\nf = g\n__all__ = ['a']\n"
    after = "A = 2\nb = f\nC = 3\nd = f\nE = 4\nf = g\n__all__ = []\n"
    found = {each.mutant.line: each.mutant.when for each in plan_for(before, after).mutants}
    assert sorted(found) == [1, 3, 5, 7]
    assert list(found.values()).count(MutantTiming.IMPORT) == 2
    assert found[7] is MutantTiming.IMPORTED


def test_what_only_a_type_checker_sees_is_nothing():
    before = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import a\n\nx = 1\n"
    assert not plan_for(before, before.replace("import a", "import b")).mutants


def test_what_is_put_off_by_a_lambda_is_switched_when_it_is_called():
    [one, *_] = plan_for("f = lambda a: a + 1\n", "f = lambda a: a + 2\n").mutants
    assert (one.mutant.when, one.mutant.description) == (
        MutantTiming.CALL,
        "`a + 2` became `a - 2`",
    )


def test_a_change_has_a_handful_spread_over_its_places_and_operators():
    before = "".join(f"def f{n}(a, b):\n    return 0\n\n" for n in range(6))
    found = plan_for(before, before.replace("return 0", "return g(a + b, a == b)"), limit=4)
    assert len(found.mutants) == 4
    assert len({each.mutant.line for each in found.mutants}) == 4
    assert len({each.mutant.operator for each in found.mutants}) > 2


def test_a_line_has_two_at_most():
    assert (
        len(plan_for(in_function("pass"), in_function("return f(a + b, a == b, 3)")).mutants) == 2
    )


def test_a_function_with_another_header_is_at_least_entered():
    found = plan_for("def f(a):\n    return a\n", "def f(b, *, a):\n    return a\n")
    assert whats(found) == ["an error was raised here"]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"def f(:\n", "cannot read"),
        (b"# -*- coding: latin-1 -*-\nx = '\xe9'\n", "cannot read"),
        (b"# -*- coding: latin-1 -*-\ndef f(): return 1\n", "not UTF-8"),
        (b"def f(): return 1" + b" + x" * 900, "nested too deeply"),
        (b"@a" + b".b" * 900 + b"\ndef f(): return 1\n", "nested too deeply"),
        (None, "not there any more"),
    ],
)
def test_a_change_whose_mutants_could_not_be_made_is_never_protected(text, why):
    found = place_mutants({"c": [ChangedFile("m.py", (b"def f(): return 2\n", text))]})
    known = judge_protection(found, "c", MutationReport({}))
    assert (known.state, known.mutants, known.not_measured) == ("unknown", 0, 1)
    assert why in known.summary


def test_a_mark_at_the_beginning_and_foreign_line_ends_stay():
    before = "\ufeffdef f(a):\r\n    return 1\r\n"
    text = plan_for(before, before.replace("return 1", "return 2")).files["m.py"]
    assert text == "\ufeffdef f(a):\r\n    return (3 if __gs_mutant__(0) else (2))\r\n"


FIRST = "def f(a):\n    x = 1\n    y = 2\n    z = 3\n    return a\n"
LAST_CHANGED = FIRST.replace("z = 3", "z = 4")
WITHOUT_MIDDLE = FIRST.replace("    y = 2\n", "")


@pytest.mark.parametrize(
    ("texts", "lines", "gaps"),
    [
        # Lines above were added, taken out, rewritten.
        (
            (FIRST, LAST_CHANGED, "import os\n\n" + LAST_CHANGED),
            {6},
            {},
        ),
        (
            (FIRST, LAST_CHANGED, LAST_CHANGED.replace("    x = 1\n", "")),
            {3},
            {},
        ),
        # A later change rewrote the line, as one and as more, and took it out.
        ((FIRST, FIRST.replace("y = 2", "y = 3"), FIRST.replace("y = 2", "y = 4")), {3}, {}),
        (
            (FIRST, FIRST.replace("y = 2", "y = 3"), FIRST.replace("y = 2", "y = 4\n    q = 5")),
            {3, 4},
            {},
        ),
        ((FIRST, FIRST.replace("y = 2", "y = 3"), FIRST.replace("    y = 2\n", "")), set(), {2: 4}),
        # It took a line out itself, and later lines above were added.
        (
            (FIRST, WITHOUT_MIDDLE, "import os\n" + WITHOUT_MIDDLE),
            set(),
            {3: 4},
        ),
        ((FIRST, FIRST.replace("    # no\n", "")), set(), {}),
    ],
)  # fmt: skip
def test_lines_are_followed_through_later_changes(texts, lines, gaps):
    found = touched([each.encode() for each in texts])
    assert (found.lines, found.gaps) == (lines, gaps)


def test_two_changes_of_one_file_share_a_fault_where_they_touch_the_same():
    base = "def f(a):\n    return g(1, 2)\n\n\ndef h(a):\n    return 5\n"
    one = base.replace("g(1, 2)", "g(1, 3)").encode()
    two = one.replace(b"g(1, 3)", b"g(2, 3)").replace(b"return 5", b"return 6")
    found = place_mutants(
        {
            "one": [ChangedFile("m.py", (base.encode(), one, two))],
            "two": [ChangedFile("m.py", (one, two))],
        }
    )
    by_line = {}
    for each in found.mutants:
        by_line.setdefault(each.mutant.line, set()).add(each.changes)
    assert ("one", "two") in by_line[2]
    assert by_line[6] == {("two",)}
    assert {each for fault in found.mutants[:2] for each in fault.changes} == {"one", "two"}


def a_plan():
    before = in_function("return 1") + "\n\ndef g(a):\n    return 1\n"
    return plan_for(before, before.replace("return 1", "return 2"))


@pytest.mark.parametrize(
    ("trials", "state", "counts"),
    [
        ({0: MutantResult(True), 1: MutantResult(True)}, "protected", (2, 2, 0, 2, 2)),
        ({0: MutantResult(True), 1: MutantResult(False)}, "unprotected", (2, 1, 0, 2, 1)),
        ({0: MutantResult(True), 1: MutantResult(None, why="time")}, "protected", (1, 1, 1, 1, 1)),
        ({0: MutantResult(None, why="time"), 1: MutantResult(None)}, "unknown", (0, 0, 2, 0, 0)),
        ({}, "unknown", (0, 0, 2, 0, 0)),
    ],
)
def test_what_was_not_tried_is_counted_as_nothing_but_that(trials, state, counts):
    known = judge_protection(a_plan(), "c", MutationReport(trials))
    assert known.state == state
    assert counts == (
        known.mutants,
        known.killed,
        known.not_measured,
        known.lines,
        known.protected_lines,
    )


def test_the_sentence_names_the_fault_that_stayed_green_and_whether_it_is_reached():
    known = judge_protection(
        a_plan(),
        "c",
        MutationReport({0: MutantResult(False, reached=True), 1: MutantResult(False)}),
    )
    assert known.summary == ("2 of 2 mutants survived: m.py:2: `2` became `3`, and 1 more")
    assert known.unreached == ("m.py:6",)


def test_a_run_that_broke_says_so():
    assert "the sandbox died" in judge_protection(a_plan(), "c", None, "the sandbox died").summary


def test_a_result_comes_back_from_its_text():
    tried = MutationReport(
        {1: MutantResult(None, why="w"), 0: MutantResult(True, True, "t::a", 3)},
        passing=7,
        seconds=1.5,
    )
    assert MutationReport.from_json(tried.to_json()) == tried
    assert "sum" not in tried.to_json()


def test_of_what_was_not_measured_no_share_is_told():
    unknown = Protection(state="unknown", not_measured=3)
    assert protection_share([None, unknown]) is None
    green = Protection(state="protected", mutants=2, killed=2, lines=1, protected_lines=1)
    red = Protection(state="unprotected", mutants=2, killed=1, lines=2, protected_lines=1)
    share = protection_share([green, red, unknown, None])
    assert (share.changes, share.protected_changes) == (2, 1)
    assert (share.mutants, share.killed, share.lines, share.protected_lines) == (4, 3, 3, 2)


MODULES = [
    inspect.getsource(importlib.import_module(each)).encode()
    for each in ("textwrap", "fractions", "heapq", "dataclasses", "argparse", "asyncio.queues")
]


@settings(max_examples=25)
@given(st.sampled_from(MODULES), st.data())
def test_mutants_of_any_change_are_valid_python_and_move_no_line(source, data):
    count = source.count(b"\n")
    numbers = st.integers(1, count)
    lines = data.draw(st.frozensets(numbers, min_size=1, max_size=60))
    gaps = data.draw(st.dictionaries(numbers, st.sampled_from([0, 4, 8]), max_size=10))
    code = Code.read(source)
    found = list(find_mutants(code, TouchedLines(lines, gaps), frozenset))
    for n, each in enumerate(found):
        text = render(code.text, [PlacedMutant(n, "m.py", each, ())])
        assert text.count(b"\n") == count
        compile(text, "m", "exec", dont_inherit=True)


def whole(source):
    """Every mutant that fits anywhere in a text, as far as they go together."""
    return place_mutants({"c": [ChangedFile("m.py", (None, source))]}, ALL).files["m.py"]


class SwitchedOff(ast.NodeTransformer):
    """What is left of a program where every switch is off."""

    def visit_IfExp(self, node):
        self.generic_visit(node)
        return node.orelse if is_switch(node.test) else node

    def visit_BoolOp(self, node):
        self.generic_visit(node)
        return node.values[-1] if is_switch(node.values[0]) else node

    def visit_If(self, node):
        self.generic_visit(node)
        is_mutant = isinstance(node.test, ast.UnaryOp) and is_switch(node.test.operand)
        return node.body if is_mutant else node

    def visit_Expr(self, node):
        self.generic_visit(node)
        return None if is_switch(node.value) else node


def is_switch(node):
    named = isinstance(node, ast.Call) and getattr(node.func, "id", "")
    return named in {"__gs_mutant__", "__gs_raise__"}


LAZY = b"""def f(a, b):
    key = lambda x: x if a else b
    return sorted(a, key=key if a is not b else None), (lambda: 1)() if a else (b or 2)
"""


@pytest.mark.parametrize("source", [*MODULES, LAZY], ids=lambda text: text[:30])
def test_with_all_switches_off_a_program_is_the_one_that_it_was(source):
    off = SwitchedOff().visit(ast.parse(whole(source)))
    assert ast.unparse(off) == ast.unparse(ast.parse(source))


def test_with_all_switches_off_a_module_does_what_it_did():
    before = textwrap.wrap("the quick brown fox " * 9, 31), Fraction("3.25") / 7 - Fraction(1, 3)
    heap = [9, 4, 7, 1]
    expected = heapq.nsmallest(3, heap)
    seen = set()

    def off(number):
        seen.add(number)
        return False

    made = []
    for source in MODULES[:3]:
        space = {"__name__": "mutated", "__gs_mutant__": off, "__gs_raise__": off}
        exec(compile(whole(source), "mutated", "exec", dont_inherit=True), space)
        made.append(space)
    wrap, fraction, smallest = (
        made[0]["wrap"],
        made[1]["Fraction"],
        made[2]["nsmallest"],
    )
    now = wrap("the quick brown fox " * 9, 31), fraction("3.25") / 7 - fraction(1, 3)
    assert now[0] == before[0]
    assert str(now[1]) == str(before[1])
    assert smallest(3, heap) == expected
    assert len(seen) > 60


def test_mutants_that_exclude_each_other_are_not_all_made():
    """An error before a statement, and a block around it, for two changes."""
    one = "def f(a):\n    q = 1\n    x[0] = a\n"
    two = one.replace("    q = 1\n", "").encode()
    three = two.replace(b"x[0] = a", b"x[0] = -a")
    found = place_mutants(
        {
            "one": [ChangedFile("m.py", (one.encode(), two, three))],
            "two": [ChangedFile("m.py", (two, three))],
        },
        ALL,
    )
    compile(found.files["m.py"], "m", "exec")
    assert {change for each in found.mutants for change in each.changes} >= {"one"}


TESTS_OF = {1: {f"t{n}.py::{m}" for n in range(20) for m in "ab"}, 4: {"t.py::x"}}


def reaching(path, line):
    found = TESTS_OF.get(line)
    return None if found is None else frozenset(found)


def test_the_tests_that_are_needed_are_those_that_reach_a_fault_and_a_few_that_import():
    before = "import os\n\ndef f(a):\n    return 1\n"
    found = required_tests(
        plan_for(before, before.replace("import os", "import q").replace("1", "2")), reaching
    )
    assert "t.py::x" in found
    assert len(found) == 11
    assert len({each.partition("::")[0] for each in found}) == 11
    assert (
        required_tests(plan_for("def f():\n    return 1\n", "def f():\n    return 2\n"), reaching)
        is None
    )


def test_what_runs_at_import_is_only_looked_at_where_trying_it_takes_many_tests():
    before = "A = 1\n\n\nB = 1\n"
    found = plan_for(before, before.replace("1", "2"))
    many = {1: frozenset(map(str, range(101))), 4: frozenset("ab")}
    dear = without_expensive(found, lambda _, line: many[line])
    assert {each.mutant.line: each.mutant.when for each in dear.mutants} == {
        1: MutantTiming.IMPORTED,
        4: MutantTiming.IMPORT,
    }
