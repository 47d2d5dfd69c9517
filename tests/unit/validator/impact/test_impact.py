"""Which tests a change can have an effect on, on small sources and a recording made by hand."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.validator.impact.domain.impact import (
    Change,
    impacted_tests,
    is_stale,
    reaching_tests,
    reaching_tests_of_function,
)
from services.validator.impact.domain.recall import RecallCount, beta_below, count_caught
from services.validator.suite.domain.imports import import_graph
from services.validator.suite.domain.recording import ImpactMap
from services.validator.suite.domain.sources import compare_sources, decode_source, read_source

CODE = '''"""A module."""
import os

LIMIT = 3

def one(x, y=1):
    """Says one."""
    def inner():
        return LIMIT
    return inner() + x

def two():
    return 2

class Thing:
    size = 1

    @property
    def length(self):
        return self.size

    def grow(self):
        self.size += 1
'''
TEST_ONE, TEST_TWO, TEST_USER = "test_m.py::test_one", "test_m.py::test_two", "test_u.py::test_user"
OTHER, UNKNOWN, NEW = "test_o.py::test_other", "test_o.py::test_process", "test_o.py::test_new"
TESTS = (TEST_ONE, TEST_TWO, TEST_USER, OTHER, UNKNOWN)
FILES = {
    "m.py": CODE,
    "user.py": "from m import two\ndef use(): return two()\n",
    "other.py": "def other(): return 1\n",
    "test_m.py": "import m\ndef test_one(): m.one(1)\ndef test_two(): m.two()\n",
    "test_u.py": "import user\ndef test_user(): user.use()\n",
    "test_o.py": "import other\ndef test_other(): other.other()\ndef test_process(): pass\n",
}


def lines_of(path, name):
    return read_source(FILES[path]).functions[name].first


def a_map(**fields) -> ImpactMap:
    one, two, user, other, process = (1 << n for n in range(5))
    # `inner` is reached without `one`, as where it was handed out when a module was imported.
    reached = {
        "m.py": {(6, "one"): one, (8, "inner"): one | two, (12, "two"): two | user},
        "user.py": {(2, "use"): user},
        "other.py": {(1, "other"): other},
        "test_m.py": {(2, "test_one"): one, (3, "test_two"): two},
        "test_u.py": {(2, "test_user"): user},
        "test_o.py": {(2, "test_other"): other, (3, "test_process"): process},
    }
    known = {
        "tests": TESTS,
        "files": tuple(each.partition("::")[0] for each in TESTS),
        "unknown": frozenset({UNKNOWN}),
        "reached": reached,
        "at_import": {path: frozenset({(1, "<module>")}) for path in FILES},
        "imports": import_graph(FILES),
    }
    return ImpactMap(**{**known, **fields})


def a_change(path, old, new):
    text = FILES[path]
    assert old in text
    return {path: Change(text, text, text.replace(old, new, 1))}


def chosen(changes, recorded=None, present=()):
    found = impacted_tests(recorded or a_map(), changes, present)
    return None if found is None else found - {UNKNOWN}


def test_a_function_that_changes_is_tested_by_what_reaches_it():
    assert chosen(a_change("m.py", "return 2", "return 3")) == {TEST_TWO, TEST_USER}


def test_versions_of_a_file_share_the_functions_above_an_edit():
    before, after = read_source(CODE), read_source(f"{CODE}\n\ndef last():\n    pass\n")
    assert before.functions["one"].node is after.functions["one"].node


def test_functions_inside_a_function_are_parts_of_it():
    assert chosen(a_change("m.py", "inner() + x", "inner() - x")) == {TEST_ONE, TEST_TWO}
    assert chosen(a_change("m.py", "return LIMIT", "return 4")) == {TEST_ONE, TEST_TWO}


def test_a_function_that_no_test_reaches_is_tested_by_none():
    assert chosen(a_change("m.py", "self.size += 1", "self.size += 2")) == set()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("LIMIT = 3", "LIMIT = 4"),
        ("import os", "import sys"),
        ("y=1", "y=2"),
        ("def two():", "@staticmethod\ndef two():"),
        ("    @property\n", ""),
        ("size = 1", "size = 2"),
        ("def two():\n    return 2\n", ""),
        ("def two", "def three"),
        ("    def grow", "    def __eq__(self, other): return True\n    def grow"),
        ("class Thing:", "class Thing(dict):"),
        ("def two():", "async def two():"),
        ("def two():", "def two() -> int:"),
    ],
)
def test_what_runs_at_import_is_tested_by_all_that_depend_on_the_file(old, new):
    assert chosen(a_change("m.py", old, new)) == {TEST_ONE, TEST_TWO, TEST_USER}


@pytest.mark.parametrize(
    ("old", "new"),
    [("import os", "import os  # noqa"), ("x, y=1", "x,\n    y=1"), ("LIMIT = 3", "LIMIT = (3)")],
)
def test_layout_and_comments_touch_nothing(old, new):
    assert chosen(a_change("m.py", old, new)) == set()


def test_code_that_is_nested_too_deeply_to_be_compared_may_affect_every_test():
    found = chosen(a_change("m.py", "return 2", f"return 2{' + 1' * 2000}"))
    # Some versions of Python cannot even parse it.
    assert found in ({TEST_ONE, TEST_TWO, TEST_USER}, None)


def test_a_new_function_that_nothing_old_can_call_touches_nothing_by_itself():
    helper = "def _helper():\n    return 2\n\n"
    assert chosen(a_change("m.py", "def two", helper + "def two")) == set()
    both = a_change("m.py", "def two():\n    return 2", helper + "def two():\n    return _helper()")
    assert chosen(both) == {TEST_TWO, TEST_USER}


@pytest.mark.parametrize("name", ["os", "len", "__getattr__", "test_more", "pytest_configure"])
def test_a_new_function_that_something_old_may_call_touches_the_module(name):
    changes = a_change("m.py", "def two", f"def {name}(*_): return 0\n\ndef two")
    assert chosen(changes) == {TEST_ONE, TEST_TWO, TEST_USER}


def test_a_new_function_with_a_decorator_runs_it_at_import():
    changes = a_change("m.py", "def two", "@print\ndef fresh(): return 0\n\ndef two")
    assert chosen(changes) == {TEST_ONE, TEST_TWO, TEST_USER}


def test_a_function_that_ran_at_import_counts_as_what_runs_at_import():
    seen = {**a_map().at_import, "m.py": frozenset({(12, "two")})}
    changes = a_change("m.py", "return 2", "return 3")
    assert chosen(changes, a_map(at_import=seen)) == {TEST_ONE, TEST_TWO, TEST_USER}


def test_a_function_whose_results_are_kept_is_reached_by_its_first_caller_only():
    text = CODE.replace("def two", "@functools.lru_cache\ndef two")
    after = text.replace("return 2", "return 3")
    changes = {"m.py": Change(text, text, after)}
    assert chosen(changes) == {TEST_ONE, TEST_TWO, TEST_USER}


def test_a_changed_test_is_chosen_itself():
    assert chosen(a_change("test_m.py", "m.two()", "m.two")) == {TEST_TWO}


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("new.py", Change(None, None, "x = 1")),
        ("m.py", Change(CODE, CODE, None)),
        ("m.py", Change(None, CODE, CODE + "\n")),
        ("m.py", Change(CODE, CODE, "def (")),
        ("data.json", Change("1", "1", "2")),
        ("never_loaded.py", Change("x = 1", "x = 1", "x = 2")),
    ],
)
def test_of_what_the_recording_says_nothing_every_test_is_chosen(path, change):
    assert (
        impacted_tests(a_map(), {**a_change("m.py", "return 2", "return 3"), path: change}) is None
    )


def test_tests_of_unknown_reach_and_new_tests_are_always_chosen():
    changes = a_change("other.py", "return 1", "return 2")
    assert impacted_tests(a_map(), changes, (*TESTS, NEW)) == {OTHER, UNKNOWN, NEW}


def test_an_undone_change_is_a_change_though_it_is_as_it_was_recorded():
    after = CODE.replace("return 2", "return 3")
    assert chosen({"m.py": Change(CODE, after, CODE)}) == {TEST_TWO, TEST_USER}


def test_of_a_head_that_moved_on_only_what_a_change_touches_is_chosen():
    moved = "X = 1\n\n" + CODE.replace("LIMIT = 3", "LIMIT = 9")
    changes = {"m.py": Change(CODE, moved, moved.replace("return 2", "return 3"))}
    assert chosen(changes) == {TEST_TWO, TEST_USER}


def test_a_function_that_the_head_got_since_is_tested_by_all_that_depend_on_its_file():
    moved = CODE + "\ndef later():\n    return 1\n"
    changes = {
        "m.py": Change(
            CODE, moved, moved.replace("def later():\n    return 1", "def later():\n    return 2")
        )
    }
    assert chosen(changes) == {TEST_ONE, TEST_TWO, TEST_USER}


def test_a_conftest_is_loaded_by_all_tests_below_it():
    files = {
        "a/conftest.py": "def pytest_configure(): pass\ndef tool(): return 1\n",
        "a/b/test_x.py": "",
        "test_y.py": "",
    }
    recorded = ImpactMap(
        tests=("a/b/test_x.py::t", "test_y.py::t"),
        files=("a/b/test_x.py", "test_y.py"),
        at_import={path: frozenset({(1, "<module>")}) for path in files},
        imports=import_graph(files),
    )
    text = files["a/conftest.py"]
    for old, new in (("pass", "return"), ("return 1", "return 2")):
        changes = {"a/conftest.py": Change(text, text, text.replace(old, new))}
        assert impacted_tests(recorded, changes) == {"a/b/test_x.py::t"}


def test_what_depends_on_a_file_at_a_second_remove_is_tested_too():
    files = {
        "m.py": "X = 1\n",
        "between.py": "import m\n",
        "test_x.py": "import between\n",
        "test_y.py": "",
    }
    recorded = ImpactMap(
        tests=("test_x.py::t", "test_y.py::t"),
        files=("test_x.py", "test_y.py"),
        at_import={path: frozenset({(1, "<module>")}) for path in files},
        imports=import_graph(files),
    )
    changes = {"m.py": Change("X = 1\n", "X = 1\n", "X = 2\n")}
    assert impacted_tests(recorded, changes) == {"test_x.py::t"}


def test_lines_are_those_after_the_change():
    change = Change(CODE, CODE, "# moved\n\n" + CODE)
    assert reaching_tests(a_map(), "m.py", change, [14]) == {TEST_TWO, TEST_USER}
    assert reaching_tests(a_map(), "m.py", change, [15]) == {TEST_TWO, TEST_USER}
    assert reaching_tests(a_map(), "m.py", change, [6]) == {TEST_ONE, TEST_TWO, TEST_USER}
    assert reaching_tests(a_map(), "m.py", change, [25]) == set()
    grown = Change(CODE, CODE, CODE + "\ndef fresh():\n    return 1\n")
    assert reaching_tests(a_map(), "m.py", grown, [25]) is None
    assert reaching_tests(a_map(), "nowhere.py", change, [1]) is None


def test_who_reached_a_function_is_said_by_its_name_as_far_as_it_is_known():
    recorded = a_map(unknown=frozenset({UNKNOWN, TEST_USER}))
    assert reaching_tests_of_function(a_map(), "m.py", CODE, "two") == {TEST_TWO, TEST_USER}
    assert reaching_tests_of_function(recorded, "m.py", CODE, "two") == {TEST_TWO}
    assert reaching_tests_of_function(recorded, "m.py", CODE, "Thing.grow") == set()
    assert reaching_tests_of_function(recorded, "m.py", CODE, "three") == set()
    assert reaching_tests_of_function(recorded, "nowhere.py", CODE, "two") == set()
    assert reaching_tests_of_function(recorded, "m.py", "no Python", "two") == set()
    several = CODE + "\n\nif LIMIT:\n    def two():\n        return 3\n"
    assert reaching_tests_of_function(recorded, "m.py", several, "two") == set(), (
        "which of them it was"
    )


def test_a_recording_is_stale_when_more_than_a_tenth_of_its_functions_changed():
    text = "".join(f"def f{n}():\n    return {n}\n" for n in range(20))
    recorded = ImpactMap(
        reached={"f.py": {(2 * n + 1, f"f{n}"): 1 for n in range(20)}}, tests=("t",)
    )

    def changed(*numbers):
        after = text
        for n in numbers:
            after = after.replace(f"return {n}\n", f"return -{n}\n")
        return {"f.py": Change(text, text, after)}

    assert not is_stale(recorded, changed(3, 4))
    assert is_stale(recorded, changed(3, 4, 5))
    assert is_stale(recorded, {"f.py": Change(text, text, "X = 1\n" + text)})
    assert is_stale(recorded, {"f.py": Change(text, text, None)})
    assert not is_stale(recorded, {"new.py": Change(None, None, "x = 1")})


MASKS = st.integers(0, 31)
NAMES = st.text(max_size=8)
MAPS = st.builds(
    ImpactMap,
    tests=st.just(TESTS),
    files=st.just(("a", "b", "c", "d", "e")),
    unknown=st.frozensets(NAMES, max_size=3),
    reached=st.dictionaries(
        NAMES,
        st.dictionaries(st.tuples(st.integers(0, 99), NAMES), MASKS, min_size=1, max_size=3),
        max_size=3,
    ),
    at_import=st.dictionaries(
        NAMES, st.frozensets(st.tuples(st.integers(0, 99), NAMES), min_size=1), max_size=3
    ),
    imports=st.dictionaries(NAMES, st.lists(NAMES, max_size=3).map(tuple), max_size=3),
)


@given(MAPS)
def test_a_map_and_its_text_are_the_same(made):
    again = ImpactMap.from_json(made.to_json())
    assert vars(again) == vars(made)
    assert again.to_json() == made.to_json()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tests", [3]),
        ("tests", ["a", "a"]),
        ("tests", ["a" * 5000, "b"]),
        ("tests", {"a": "b"}),
        ("files", ["a"]),
        ("unknown", [None]),
        ("reached", [["m.py", 1, "f", "4"]]),
        ("reached", [["m.py", 1, "f", "-1"]]),
        ("reached", [["m.py", 1, "f", "0x1"]]),
        ("reached", [["m.py", 1, "f", 1]]),
        ("reached", [["m.py", "1", "f", "1"]]),
        ("reached", [["m.py", True, "f", "1"]]),
        ("reached", [["m.py", 1]]),
        ("reached", [7]),
        ("at_import", [["m.py", -1, "f"]]),
        ("imports", {"m.py": "n.py"}),
        ("imports", ["m.py"]),
    ],
)
def test_a_recording_of_another_shape_is_refused(name, value):
    good = {"tests": ["a", "b"], "files": ["f", "f"], "unknown": [], "reached": [], "at_import": []}
    assert ImpactMap.from_recording(json.dumps(good).encode()).tests == ("a", "b")
    with pytest.raises(ValueError, match=r"\w"):
        ImpactMap.from_recording(json.dumps({**good, name: value}).encode())


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"3", b"\xff", b"[" * 100_000])
def test_what_is_no_recording_at_all_is_refused(content):
    with pytest.raises(ValueError, match=r"\w"):
        ImpactMap.from_recording(content)


IMPORTING = {
    "src/pkg/__init__.py": "",
    "src/pkg/core.py": "",
    "src/pkg/json.py": "",
    "src/pkg/sub/__init__.py": "from .. import core\nfrom .leaf import x\n",
    "src/pkg/sub/leaf.py": "from ..core import y\nimport json\n",
    "src/pkg/lazy.py": "def f():\n    import pkg.sub.leaf\n",
    "tests/conftest.py": "",
    "tests/helpers.py": "from importlib import import_module\nimport_module('helpers2')\n",
    "tests/helpers2.py": "print('helpers')\n",
    "tests/test_a.py": "from helpers import h\nfrom pkg import core\npatch('pkg.json.dumps')\n",
    "broken.py": "def (",
}


def test_imports_are_found_wherever_a_module_is_and_however_it_is_named():
    pkg, sub = "src/pkg/__init__.py", "src/pkg/sub/__init__.py"
    assert import_graph(IMPORTING) == {
        pkg: (),
        "src/pkg/core.py": (pkg,),
        "src/pkg/json.py": (pkg,),
        sub: (pkg, "src/pkg/core.py", "src/pkg/sub/leaf.py"),
        "src/pkg/sub/leaf.py": (pkg, "src/pkg/core.py", sub),
        "src/pkg/lazy.py": (pkg, sub, "src/pkg/sub/leaf.py"),
        "tests/conftest.py": (),
        "tests/helpers.py": ("tests/conftest.py", "tests/helpers2.py"),
        "tests/helpers2.py": ("tests/conftest.py",),
        "tests/test_a.py": (
            pkg,
            "src/pkg/core.py",
            "src/pkg/json.py",
            "tests/conftest.py",
            "tests/helpers.py",
        ),
        "broken.py": (),
    }


def test_what_is_defined_twice_or_conditionally_is_compared_in_its_place():
    text = "if 1:\n    def f(): return 1\nelse:\n    def f(): return 2\n"
    before, after = read_source(text), read_source(text.replace("return 2", "return 3"))
    assert compare_sources(before, after).functions == {"f#2"}
    assert not compare_sources(before, after).module
    moved = read_source(text.replace("if 1", "if 0"))
    assert compare_sources(before, moved).module


def test_what_is_no_utf_8_stays_different():
    one, other = decode_source(b"x = '\xff'"), decode_source(b"x = '\xfe'")
    assert one != other


def test_recall_counts_tests_and_all_tests_are_always_right():
    assert count_caught({"a", "b"}, {"a", "c"}) == RecallCount(1, 1)
    assert count_caught(None, {"a", "c"}) == RecallCount(2, 0)
    assert RecallCount().recall is None
    assert RecallCount(3, 1).recall == 3 / 4


def test_a_recall_is_bad_once_it_is_more_likely_than_not_below_four_fifths():
    assert not RecallCount(0, 4).is_too_low, "too few to say"
    assert RecallCount(0, 5).is_too_low
    assert RecallCount(3, 2).is_too_low
    assert not RecallCount(5, 0).is_too_low
    assert not RecallCount(9, 1).is_too_low
    assert RecallCount(700, 300).is_too_low
    assert not RecallCount(850, 150).is_too_low


@pytest.mark.parametrize(
    ("x", "a", "b", "expected"),
    [(0.5, 1, 1, 0.5), (0.8, 2, 1, 0.64), (0.8, 1, 2, 0.96), (0.5, 3, 3, 0.5)],
)
def test_the_beta_distribution_is_that_of_the_tables(x, a, b, expected):
    assert beta_below(x, a, b) == pytest.approx(expected)
