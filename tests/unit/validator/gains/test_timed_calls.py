"""The timer, as it is in a process that runs the target's tests, and what its times say."""

import itertools
import json
import threading
from textwrap import dedent

import pytest

from services.validator.gains.domain.functions import MeasuredFunction, functions_to_measure
from services.validator.gains.domain.judging import judge_gain
from services.validator.gains.domain.timed_calls import NOTHING_TIMED, read_times
from services.validator.gains.domain.versions import versions_of
from services.validator.in_target import call_timer
from services.validator.in_target.call_timer import ROUNDS, CallTimer
from shared.kernel.ids import uuid7


class Timed:
    """A file in two versions; the one before is executed, with its functions timed."""

    def __init__(self, folder):
        self.report = folder / "times.jsonl"
        self.versions = folder / "versions.json"
        self.space = {}

    def load(self, before, after, **names):
        """Execute the version before, in which `time(number)` is called by each timed function."""
        before, after = dedent(before), dedent(after)
        self.functions = functions_to_measure({"m.py": (before, after)})
        versions = versions_of(self.functions, {"m.py": (before, after)})
        self.versions.write_text(json.dumps(versions))
        timer = CallTimer(str(self.report), str(self.versions))
        self.space = {"time": timer.time, "__name__": "m", **names}
        exec(before, self.space)
        return self.space

    def lines(self):
        text = self.report.read_text() if self.report.exists() else ""
        return [json.loads(each) for each in text.splitlines()]

    def gain(self):
        written = self.report.read_bytes() if self.report.exists() else b""
        return judge_gain(read_times(written, self.functions), uuid7())


@pytest.fixture
def timed(tmp_path, monkeypatch):
    """Blocks of one call are enough here."""
    monkeypatch.setattr(call_timer, "BLOCK_SECONDS", 0)
    return Timed(tmp_path)


def test_both_versions_are_called_with_what_no_pickle_holds(timed):
    before = """
        class Shop:
            def find(self, key, *more, c=3, **others):
                time(0, locals())
                seen.append(("before", key(1), more, c, others, __class__))
                return 1
    """
    seen = []
    space = timed.load(before, before.replace('"before"', '"after"'), seen=seen)
    assert space["Shop"]().find(lambda n: n + 1, 4, d=5) == 1
    assert len(seen) == 2 * ROUNDS + 4
    assert {each[0] for each in seen} == {"before", "after"}
    assert all(each[1:4] == (2, (4,), 3) and each[5] is space["Shop"] for each in seen)
    [line] = timed.lines()
    assert line["function"] == 0
    assert (len(line["before"]), len(line["after"])) == (ROUNDS, ROUNDS)


def test_each_timed_call_gets_its_own_arguments(timed):
    seen = []
    before = (
        "def drain(items):\n    time(0, locals())\n    seen.append(len(items)); items.clear()\n"
    )
    timed.load(before, before + "    return None\n", seen=seen)["drain"]([1, 2])
    assert set(seen) == {2}


def test_the_new_version_has_what_its_module_adds_and_the_old_one_what_it_had(timed):
    before = """
        import re
        WORDS = "old"
        def helper(): return "old"
        def find(text):
            time(1, locals())
            seen.append((WORDS, helper()))
    """
    after = """
        import re
        import bisect
        WORDS = "new"
        _PATTERN = re.compile("a")
        def helper(): return "new"
        def find(text):
            time(1, locals())
            assert _PATTERN.match(text) and bisect
            seen.append((WORDS, helper()))
    """
    seen = []
    space = timed.load(before, after, seen=seen)
    space["find"]("a")
    assert set(seen) == {("old", "old"), ("new", "new")}
    assert "bisect" not in space
    assert len(timed.lines()[-1]["after"]) == ROUNDS


CLASS = "class A:\n    X = 1\n    def f(self): return self.X\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (CLASS, CLASS.replace("X = 1", "X = 2")),
        ("def f(): return 1\n", "@cached\ndef f(): return 1\n"),
        ("if 1:\n    X = 1\ndef f(): return X\n", "if 1:\n    X = 2\ndef f(): return X + 0\n"),
    ],
)
def test_a_change_that_the_same_process_cannot_have_both_ways_is_not_timed(before, after):
    functions = functions_to_measure({"m.py": (before, after)})
    assert functions
    assert versions_of(functions, {"m.py": (before, after)}) is None


def test_methods_may_change_in_their_bodies(timed):
    functions = [MeasuredFunction("m.py", "A.f", 3, decorated=False)]
    after = CLASS.replace("self.X", "self.X + 0")
    [[before, then]] = versions_of(functions, {"m.py": (CLASS, after)})
    assert (before["module"], then["module"]) == ("", "")
    assert then["text"] == after


def test_what_cannot_be_copied_or_raises_is_left_out(timed):
    code = "def leave(what):\n    time(0, locals())\n    raise SystemExit\n"
    leave = timed.load(code, code.replace("raise", "raise 1 and"))["leave"]
    for each in ((n for n in "ab"), 1):
        with pytest.raises(SystemExit):
            leave(each)
    assert timed.lines() == []
    assert timed.gain().summary == NOTHING_TIMED


def test_what_works_only_once_is_left_out(timed):
    code = "def once(done):\n    time(0, locals())\n    assert not done(); return 1\n"
    calls = []
    once = timed.load(code, code.replace("return 1", "return 2"))["once"]
    with pytest.raises(AssertionError):
        once(lambda: calls.append(1) or len(calls) > 1)
    assert timed.lines() == []


def test_a_call_that_fails_only_with_the_change_is_no_gain(timed):
    code = "def f(n):\n    time(0, locals())\n    return n\n"
    timed.load(code, code.replace("return n", "return n.missing"))["f"](1)
    assert timed.lines()[0]["after"] == []
    assert "not all recorded calls work of m.py::f" in timed.gain().summary


def test_what_has_no_copy_is_shared_beside_what_has_one(timed, tmp_path):
    code = """
        def write(items, lock, *, into):
            time(0, locals())
            seen.append((len(items), lock))
            items.clear()
            into.write(".")
    """
    lock, seen = threading.Lock(), []
    write = timed.load(code, code.replace('"."', '""'), seen=seen)["write"]
    with (tmp_path / "out").open("w") as out:
        write([1], lock, into=out)
    assert set(seen) == {(1, lock)}
    assert len(timed.lines()) == 1


def test_only_outermost_calls_are_timed_up_to_a_limit(timed, monkeypatch):
    monkeypatch.setattr(call_timer, "MAX_CALLS", 2)
    code = "def count(n):\n    time(0, locals())\n    return count(n - 1) if n else 0\n"
    count = timed.load(code, code.replace("else 0", "else 1"))["count"]
    for _ in range(3):
        count(2)
    assert len(timed.lines()) == 2


def test_what_would_take_too_long_is_not_timed(timed, monkeypatch):
    monkeypatch.setattr(call_timer, "MAX_SECONDS", 1e-9)
    code = "def f(n):\n    time(0, locals())\n    return n\n"
    timed.load(code, code.replace("return n", "return +n"))["f"](1)
    assert timed.lines() == []


def test_iterators_are_exhausted_as_far_as_they_have_an_end(timed):
    code = "def numbers():\n    time(0, locals())\n    yield from count()\n"
    numbers = timed.load(
        code, code.replace("from count", "from  1 and count"), count=itertools.count
    )
    assert next(numbers["numbers"]()) == 0
    assert len(timed.lines()) == 1


FUNCTION = MeasuredFunction("m.py", "f", 1, decorated=False)


def a_line(before, now, **fields):
    line = {"function": 0, "before": [before] * ROUNDS, "after": [now] * ROUNDS, **fields}
    return json.dumps(line).encode()


@pytest.mark.parametrize(("seconds", "state"), [(2.0, "measured"), (3.9, "none"), (5.0, "none")])
def test_the_times_of_a_functions_calls_are_added(seconds, state):
    """By less than a twentieth, a process may favour one version for its layout."""
    written = a_line(1, 1) + b"\n" + a_line(3, seconds - 1)
    gain = judge_gain(read_times(written, [FUNCTION]), uuid7())
    assert gain.state == state
    [found] = gain.functions
    assert (found.inputs, found.in_tests, found.runs) == (2, True, ROUNDS)
    assert found.ratio == pytest.approx(seconds / 4)


def test_nothing_is_taken_from_damaged_times():
    damaged = [b"", b"{", b"[]", a_line(1, 1, function=1), a_line(1, 1, after=[1]), a_line(0, 1)]
    assert not read_times(b"\n".join(damaged), [FUNCTION]).rounds
