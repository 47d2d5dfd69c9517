"""Which functions a change concerns, and how their sources are made to record."""

import pytest

from services.validator.gains.domain.functions import (
    MAX_FUNCTIONS,
    functions_to_measure,
    with_recording,
)

BEFORE = '''
import functools

_KNOWN = ["a", "b"]


def known(name):
    """Say whether it is known."""
    return name in _KNOWN


def other(name): return name


async def waits(name):
    return name


def outer(name):
    def inner():
        return name
    return inner()


class Shop:
    NAMES = ["a"]

    @property
    def size(self):
        return len(list(self.NAMES))

    @functools.cache
    def kept(self, n):
        return n + 1
'''


def names(before, after):
    return [each.label for each in functions_to_measure({"m.py": (before, after)})]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("return name in", "return str(name) in", ["m.py::known"]),
        ("def other", "@functools.cache\ndef other", ["m.py::other"]),
        (
            "        return name\n    return inner",
            "        return 1\n    return inner",
            ["m.py::outer"],
        ),
        ('["a", "b"]', '{"a", "b"}', ["m.py::known"]),
        ('NAMES = ["a"]', 'NAMES = {"a"}', ["m.py::Shop.size"]),
        ("len(list(self.NAMES))", "len(self.NAMES)", ["m.py::Shop.size"]),
        ("n + 1", "1 + n", ["m.py::Shop.kept"]),
        ("name):\n    return name\n\n\ndef outer", "name):\n    return 1\n\n\ndef outer", []),
        ("def other(name)", "def another(name)", []),
        ("import functools", "import functools\nimport re", []),
    ],
)
def test_what_a_change_concerns_is_measured(old, new, found):
    assert old in BEFORE
    assert names(BEFORE, BEFORE.replace(old, new)) == found


def test_changed_functions_come_before_those_that_read_what_changed():
    readers = "".join(f"def f{n}(): return X\n\n" for n in range(MAX_FUNCTIONS))
    before = f"X = 1\n\n{readers}def last(): return 1\n"
    after = before.replace("X = 1", "X = 2").replace("return 1", "return 3")
    found = names(before, after)
    assert found[0] == "m.py::last"
    assert len(found) == MAX_FUNCTIONS


def test_what_cannot_be_parsed_has_no_functions():
    assert names("def f(:", "def f(): pass") == []


def test_decorators_that_only_make_methods_wrap_nothing():
    after = BEFORE.replace("len(list(self.NAMES))", "len(self.NAMES)").replace("n + 1", "1 + n")
    found = {each.name: each.decorated for each in functions_to_measure({"m.py": (BEFORE, after)})}
    assert found == {"Shop.size": False, "Shop.kept": True}


def test_a_recorded_function_calls_the_recorder_first_and_does_the_same():
    after = BEFORE.replace("return name in", "return str(name) in").replace(
        "): return name", "): return 1"
    )
    found = functions_to_measure({"m.py": (BEFORE, after)})
    text = with_recording(BEFORE, dict(enumerate(found)), "_recorder")
    calls = []
    space = {"_recorder": lambda number, values: calls.append((number, values))}
    exec(text, space)
    assert space["known"]("a")
    assert space["known"].__doc__ == "Say whether it is known."
    assert space["other"](3) == 3
    assert calls == [(0, {"name": "a"}), (1, {"name": 3})]
