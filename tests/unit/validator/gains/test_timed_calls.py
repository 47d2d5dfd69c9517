"""The timer, as it is in a process that runs the target's tests."""

import itertools
import json
import threading

import pytest

from services.validator.gains.domain.functions import MeasuredFunction, located
from services.validator.in_target import call_timer
from services.validator.in_target.call_timer import CallTimer
from services.validator.in_target.timed_tests import environment, measured


@pytest.fixture
def file(tmp_path):
    return tmp_path / "times.jsonl"


@pytest.fixture
def time(file, monkeypatch):
    """What a timed function calls first; few blocks are enough here."""
    monkeypatch.setattr(call_timer, "TIMED_SECONDS", 0.0001)
    return CallTimer(str(file)).time


def timed(file):
    return (
        [json.loads(e)["function"] for e in file.read_text().splitlines()] if file.exists() else []
    )


def test_calls_with_what_no_pickle_holds_are_timed(time, file):
    calls = []

    class Local:
        def find(self, key, *more, c=3, **others):
            time(0, locals())
            calls.append((key(1), more, c, others, __class__))
            return 1

    assert Local().find(lambda n: n + 1, 4, d=5) == 1
    assert timed(file) == [0]
    assert len(calls) > 2
    assert calls[-1] == calls[0] == (2, (4,), 3, {"d": 5}, Local)


def test_each_timed_call_gets_its_own_arguments(time, file):
    seen = []

    def drain(items):
        time(0, locals())
        seen.append(len(items))
        items.clear()

    drain([1, 2])
    assert set(seen) == {2}
    assert timed(file) == [0]


def test_what_cannot_be_copied_or_raises_is_left_out(time, file):
    def leave(what):
        time(0, locals())
        raise SystemExit

    for each in ((n for n in "ab"), 1):
        with pytest.raises(SystemExit):
            leave(each)
    assert timed(file) == []


def test_what_has_no_copy_is_shared_beside_what_has_one(time, file):
    lock, seen = threading.Lock(), []

    def write(items, lock, *, into):
        time(0, locals())
        seen.append((len(items), lock))
        items.clear()
        into.write(".")

    with (file.parent / "out").open("w") as out:
        write([1], lock, into=out)
    assert timed(file) == [0]
    assert set(seen) == {(1, lock)}
    assert len(seen) > 2


def test_only_outermost_calls_are_timed_up_to_a_limit(time, file, monkeypatch):
    monkeypatch.setattr(call_timer, "MAX_CALLS", 2)

    def count(n):
        time(0, locals())
        return count(n - 1) if n else 0

    for _ in range(3):
        count(2)
    assert timed(file) == [0, 0]


def test_iterators_are_exhausted_as_far_as_they_have_an_end(time, file):
    def numbers():
        time(0, locals())
        yield from itertools.count()

    assert next(numbers()) == 0
    assert timed(file) == [0]


def test_the_times_of_a_functions_calls_are_added(file):
    file.write_text('{"function": 1, "seconds": 1e-6}\n{"function": 1, "seconds": 2e-6}\n')
    assert measured(str(file), ["a", "b"]) == ["b (2 calls in tests) 3000.000 ns"]
    assert measured(f"{file}x", []) == []


def test_the_tests_find_the_timer_and_their_selection(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/src")
    found = environment(str(tmp_path), {"plugin": "p", "tests": ["t"]})
    assert found["PYTHONPATH"] == f"{tmp_path}:/src"
    assert (tmp_path / "select.json").read_text() == '["t"]'
    assert "GROUNDSWELL_SELECT" not in environment(str(tmp_path), {"plugin": "p", "tests": []})


def test_functions_are_located_in_another_version_of_their_file():
    functions = {n: MeasuredFunction("m.py", f, 1, decorated=False) for n, f in enumerate("abc")}
    text = "import functools\ndef a(): pass\n@functools.cache\ndef b(): pass\n"
    assert {n: each.line for n, each in located(text, functions).items()} == {0: 2}
    assert located("def", functions) == {}
