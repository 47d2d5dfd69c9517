"""Lost coverage: functions that tests reached before a change, but no longer do."""

import heapq
import importlib
import inspect
import textwrap

import pytest

from services.validator.mutation.domain.blocks import MutantTiming
from services.validator.mutation.domain.lost_coverage import find_lost_coverage, with_entry_probes
from services.validator.mutation.domain.placement import place_mutants
from services.validator.mutation.domain.plan import ChangedFile, MutantResult
from shared.contracts.documents.protection import LostCoverage

MODULES = [
    inspect.getsource(importlib.import_module(each)).encode()
    for each in ("textwrap", "heapq", "fractions", "argparse")
]


def plan_with_probes(before, after, reached=("f",)):
    files = {"c": [ChangedFile("m.py", (before.encode(), after.encode()))]}
    known = dict.fromkeys(reached, 3)
    return with_entry_probes(
        place_mutants(files), {"m.py": after.encode()}, lambda _, name: known.get(name, 0)
    )


def a_function(*lines):
    return "\n".join(("def f(a, b):", *(f"    {each}" for each in lines), ""))


BRANCH = ("if a:", "    return 1", "return 2")


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (BRANCH, ("if a:", "    return 3", "return 2"), "    if (__gs_raise__(1) or (a)):"),
        (BRANCH, ("if b:", *BRANCH[1:]), " else ((__gs_raise__(1) or (b)))):"),
        (("x = a", "return 1"), ("x = a", "return 2"), "    __gs_raise__(1); x = a"),
        (('"""Doc."""', "return 1"), ('"""Doc."""', "return 2"), "    __gs_raise__(1); return "),
        (
            ("try: x = 1", "finally: y(1)"),
            ("try: x = 1", "finally: y(2)"),
            "try: __gs_raise__(2); x",
        ),
    ],
)  # fmt: skip
def test_where_a_function_begins_that_tests_reached_it_is_looked_whether_any_gets_there(
    before, after, text
):
    plan, [entry] = plan_with_probes(a_function(*before), a_function(*after))
    assert text in plan.files["m.py"]
    compile(plan.files["m.py"], "m.py", "exec")
    [place] = [each for each in plan.mutants if each.id == entry.id]
    assert (place.changes, place.mutant.when) == ((), MutantTiming.REACH)
    assert (entry.path, entry.function, entry.tests_before) == ("m.py", "f", 3)
    assert entry.mutants == {each.id for each in plan.mutants if each.changes}


@pytest.mark.parametrize("line", ["a += 1", "return", "x(a)", "log.info(a)", "a.b = 1"])
def test_a_fault_that_stands_where_a_function_begins_tells_as_much(line):
    plan, [entry] = plan_with_probes(a_function("pass", "y()"), a_function(line, "y()"))
    assert all(each.changes for each in plan.mutants)
    assert entry.id in entry.mutants


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def g(a):\n    return 1\n", "def g(a):\n    return 2\n"),
        ("A = 1\n", "A = 2\n"),
        ("def f(a):\n    return 1\n", "def f(a):\n    return 1\n\n\ndef new(a):\n    return 2\n"),
        (a_function("return 1") * 2, a_function("return 1") + a_function("return 2")),
        ("def f(a): import os\n", "def f(a): import sys\n"),
    ],
    ids=["never reached", "at import", "new", "several of a name", "at its beginning"],
)  # fmt: skip
def test_otherwise_it_gets_no_probe(before, after):
    files = {"c": [ChangedFile("m.py", (before.encode(), after.encode()))]}
    plan, _ = plan_with_probes(before, after)
    assert plan == place_mutants(files)


SEEN, MISSED, GREEN = (
    MutantResult(True, reached=True),
    MutantResult(False),
    MutantResult(False, reached=True),
)


@pytest.mark.parametrize(
    ("place", "fault", "lost"),
    [
        (MISSED, MISSED, True),
        # The branch that it touches was perhaps never taken.
        (SEEN, MISSED, False),
        # What is inside of it was handed out when it was imported.
        (MISSED, SEEN, False),
        (MISSED, GREEN, False),
        (MISSED, MutantResult(None, why="there was no time left"), False),
        (MISSED, None, False),
        (None, MISSED, False),
        (MutantResult(None, why="stopped"), MutantResult(None, why="stopped"), False),
    ],
)
def test_coverage_is_lower_where_neither_its_beginning_nor_any_fault_is_reached(place, fault, lost):
    plan, entries = plan_with_probes(
        a_function(*BRANCH), a_function("if a:", "    return 3", BRANCH[2])
    )
    trials = {n: each for n, each in enumerate((fault, place)) if each is not None}
    found = find_lost_coverage(entries, plan, "c", trials)
    assert found == (LostCoverage(path="m.py", function="f", tests_before=3),) * lost
    assert not find_lost_coverage(entries, plan, "another", trials)


def test_each_change_hears_of_the_functions_with_faults_of_its_own():
    base = "def f(a):\n    return 1\n\n\ndef g(a):\n    return 1\n"
    one = base.replace("return 1", "return 2", 1)
    two = one.replace("return 1", "return 2").encode()
    files = {
        "one": [ChangedFile("m.py", (base.encode(), one.encode(), two))],
        "two": [ChangedFile("m.py", (one.encode(), two))],
    }
    plan, entries = with_entry_probes(place_mutants(files), {"m.py": two}, lambda *_: 1)
    trials = dict.fromkeys((each.id for each in plan.mutants), MISSED)
    lost = [find_lost_coverage(entries, plan, each, trials) for each in files]
    assert [[each.function for each in found] for found in lost] == [["f"], ["g"]]


def test_entries_of_whole_modules_are_python_that_does_what_it_did():
    made = []
    for source in MODULES:
        files = {"c": [ChangedFile("m.py", (None, source))]}
        plan, entries = with_entry_probes(
            place_mutants(files, 1000), {"m.py": source}, lambda *_: 1
        )
        assert len(entries) > 5
        assert plan.files["m.py"].count("\n") == source.count(b"\n")
        reached = set()
        off = lambda number, reached=reached: reached.add(number)  # noqa: E731
        space = {"__name__": "mutated", "__gs_mutant__": off, "__gs_raise__": off}
        exec(compile(plan.files["m.py"], "mutated", "exec", dont_inherit=True), space)
        made.append((space, {each.function: each.id for each in entries}, reached))
    (wrapping, of_wrap, in_wrap), (heaps, of_heap, in_heap), *_ = made
    text = "the quick brown fox " * 9
    assert wrapping["wrap"](text, 31) == textwrap.wrap(text, 31)
    assert heaps["nsmallest"](3, [9, 4, 7, 1]) == heapq.nsmallest(3, [9, 4, 7, 1])
    assert {of_wrap["wrap"], of_wrap["TextWrapper.wrap"], of_heap["nsmallest"]} <= in_wrap | in_heap
    assert of_wrap["dedent"] not in in_wrap
