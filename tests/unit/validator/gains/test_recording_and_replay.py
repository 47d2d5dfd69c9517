"""The recorder and the replay, as they are in the target's process."""

import base64
import functools
import json
import pickle
import sys
import types

import pytest

from services.validator.gains.domain.functions import MeasuredFunction
from services.validator.gains.domain.inputs import MAX_TIMED_CALLS, read_calls
from services.validator.in_target import inputs as recording
from services.validator.in_target.call_timer import MAX_CALLS
from services.validator.in_target.inputs import InputRecorder
from services.validator.in_target.replay import TimedFunction, find_function, measure

FUNCTION = MeasuredFunction("shop/m.py", "find", 3, decorated=False)


class Recorded:
    """A recorder with what it has appended to its file."""

    def __init__(self, folder):
        self.file = folder / "inputs.jsonl"
        self.recorder = InputRecorder(str(self.file), str(folder))

    def __call__(self, number, values):
        self.recorder.record(number, values)

    def lines(self):
        return self.file.read_bytes() if self.file.exists() else b""

    def calls(self):
        found = [json.loads(each) for each in self.lines().splitlines()]
        inputs = [each["input"] for each in found if each["input"] is not None]
        return [pickle.loads(base64.b64decode(each)) for each in inputs]


@pytest.fixture
def recorded(tmp_path):
    """`recorded.recorder.record` has to be called by the recorded function itself."""
    return Recorded(tmp_path)


def test_arguments_are_recorded_as_they_were_given(recorded):
    record = recorded.recorder.record

    def find(a, /, b, *more, c=3, **others):
        record(0, locals())
        return lambda: (a, c)

    find(1, 2)
    find(1, 2, 3, 4, c=5, d=6)
    assert recorded.calls() == [([1, 2], {"c": 3}), ([1, 2, 3, 4], {"c": 5, "d": 6})]


def test_equal_inputs_and_inner_calls_are_recorded_once(recorded):
    record = recorded.recorder.record

    def count(n):
        record(0, {"n": n})
        return count(n - 1) if n else 0

    for n in (2, 2, 3):
        count(n)
    assert recorded.calls() == [([2], {}), ([3], {})]


def test_the_arguments_are_those_at_the_beginning_of_the_call(recorded):
    record = recorded.recorder.record

    def drain(items):
        record(0, {"items": items})
        items.clear()

    drain([1, 2])
    assert recorded.calls() == [([[1, 2]], {})]


class CallsBack:
    """When it is pickled it calls what is recorded."""

    def __init__(self, function):
        self.function = function

    def __reduce__(self):
        self.function(1)
        return str, ()


class Refuses:
    def __reduce__(self):
        raise ZeroDivisionError


def test_of_what_cannot_be_pickled_or_is_too_large_only_the_test_is_recorded(recorded, monkeypatch):
    monkeypatch.setenv("PYTEST_CURRENT_TEST", "tests/test_a.py::test b (call)")
    monkeypatch.setattr(recording, "MAX_UNPICKLED", 4)
    record = recorded.recorder.record

    def find(a):
        record(0, {"a": a})

    for each in (lambda: 0, Refuses(), b"x" * recording.MAX_INPUT_BYTES, sys, sys):
        find(each)
    found = read_calls(recorded.lines(), [FUNCTION])
    assert len(recorded.lines().splitlines()) == 4
    assert (found.inputs, found.is_empty) == ("", False)
    assert found.tests == ("tests/test_a.py::test b",)
    find(CallsBack(find))
    assert recorded.calls() == [([""], {})]


def test_a_function_and_the_file_are_recorded_up_to_a_limit(recorded, monkeypatch):
    monkeypatch.setattr(recording, "MAX_INPUTS", 3)
    record = recorded.recorder.record

    def find(a):
        record(0, {"a": a})

    def other(a):
        record(1, {"a": a})

    for n in range(9):
        find(n)
    assert [args for args, _ in recorded.calls()] == [[0], [1], [2]]
    monkeypatch.setattr(recording, "MAX_FILE_BYTES", len(recorded.lines()) + 1)
    other(1)
    assert len(recorded.calls()) == 3


def a_line(**fields):
    line = {"function": 0, "module": "shop.m", "path": ["."], "input": "eA==", "test": ""}
    return json.dumps({**line, **fields}).encode()


def test_recorded_calls_are_grouped_for_the_replay():
    lines = [a_line(), a_line(input="eQ=="), a_line(), a_line(module="m", input="eg==")]
    found = json.loads(read_calls(b"\n".join(lines), [FUNCTION]).inputs)
    [function] = found["functions"]
    assert function["inputs"] == ["eA==", "eQ=="]
    assert function["label"] == "shop/m.py::find"
    assert found["path"] == ["."]


def test_nothing_is_taken_from_a_damaged_line():
    damaged = [b"", b"{", b"[]", a_line(function=1), a_line(function="x"), a_line(path=1)]
    assert read_calls(b"\n".join(damaged), [FUNCTION]).is_empty


def test_tests_are_known_only_if_those_of_all_calls_are():
    known = [a_line(test="b", input=None), a_line(test="a", function=1)]
    assert read_calls(b"\n".join(known), [FUNCTION, FUNCTION]).tests == ("a", "b")
    assert read_calls(b"\n".join([*known, a_line()]), [FUNCTION, FUNCTION]).tests == ()


def test_only_the_tests_of_the_first_calls_are_named():
    calls = [a_line(test=f"{n:02}", input=None) for n in range(MAX_TIMED_CALLS + 1)]
    assert read_calls(b"\n".join(calls), [FUNCTION]).tests[-1] == f"{MAX_TIMED_CALLS - 1}"
    assert MAX_TIMED_CALLS == MAX_CALLS


def test_what_mostly_does_not_pickle_is_not_replayed():
    calls = [a_line(), a_line(input=None), a_line(function=1)]
    found = json.loads(read_calls(b"\n".join(calls), [FUNCTION, FUNCTION]).inputs)
    assert len(found["functions"]) == 1
    assert read_calls(b"\n".join(calls[:2]), [FUNCTION, FUNCTION]).inputs == ""


def inputs_of(*calls):
    return [pickle.dumps((list(each), {})) for each in calls]


def test_inputs_that_a_function_changes_are_loaded_anew_for_each_pass():
    seen = []

    def drain(items):
        seen.append(len(items))
        items.clear()

    assert TimedFunction(drain, inputs_of([[1, 2]])).seconds() > 0
    assert set(seen) == {2}


def test_what_a_cache_keeps_is_forgotten_before_each_pass():
    computed = []

    @functools.cache
    def square(n):
        computed.append(n)
        return n * n

    timed = TimedFunction(square, inputs_of([3], [3]))
    computed.clear()
    timed._block(5)
    assert computed == [3] * 5


def test_iterators_are_exhausted():
    given = []

    def numbers(n):
        for each in range(n):
            given.append(each)
            yield each

    timed = TimedFunction(numbers, inputs_of([2]))
    given.clear()
    timed._block(1)
    assert given == [0, 1]


def test_calls_that_raise_are_dropped_also_those_that_end_the_process():
    def leave(n):
        if n == 1:
            raise ValueError
        if n == 2:
            sys.exit()

    assert TimedFunction(leave, inputs_of([1], [2], [3])).inputs == inputs_of([3])


def test_calls_that_work_only_once_are_dropped(tmp_path):
    def create(name):
        (tmp_path / name).touch(exist_ok=name == "again")

    assert TimedFunction(create, inputs_of(["once"], ["again"])).inputs == inputs_of(["again"])


def test_a_function_that_fails_while_it_is_timed_is_left_out(module):
    once = base64.b64encode(pickle.dumps(([], {}))).decode()
    asked = [
        {"label": name, "module": module, "name": name, "decorated": False, "inputs": [once]}
        for name in ("tires", "Shop.still")
    ]
    [line] = measure({"functions": asked})
    assert line.startswith("Shop.still (1 calls) ")


@pytest.fixture
def module(monkeypatch):
    code = """
import functools

def wrapped(f):
    @functools.wraps(f)
    def g(*a):
        return f(*a, 1)
    return g

def lost(f):
    return lambda *a: f(*a)

@wrapped
def inner(a, b): return "inner"

@lost
def gone(a): return a

calls = []
def tires():
    calls.append(1)
    assert len(calls) < 3

class Shop:
    @staticmethod
    def still(): return "still"
    @property
    def size(self): return "size"
    @functools.cached_property
    def kept(self): return "kept"
    def __hidden(self): return "hidden"
"""
    found = types.ModuleType("a_module_to_find")
    exec(code, found.__dict__)
    monkeypatch.setitem(sys.modules, found.__name__, found)
    return found.__name__


@pytest.mark.parametrize("name", ["Shop.still", "Shop.size", "Shop.kept", "Shop.__hidden"])
def test_a_method_is_found_as_its_function(module, name):
    function = find_function(module, name, decorated=False)
    args = [None] * function.__code__.co_argcount
    assert function(*args) == name.rpartition(".")[2].strip("_")


def test_of_a_decorated_function_the_inner_one_is_called_as_that_was_recorded(module):
    assert find_function(module, "inner", decorated=True)(1, 2) == "inner"
    with pytest.raises(LookupError):
        find_function(module, "gone", decorated=True)
