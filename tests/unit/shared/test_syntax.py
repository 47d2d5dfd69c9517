"""Python is read from any thread, also while what is collected runs code in between."""

import ast
import gc
import threading

import pytest

from shared.kernel.syntax import MAX_SOURCE_LENGTH, parse, parse_expression

TEXT = "def f(a):\n    return [(a + n) * -n for n in range(a) if n % 2]\n" * 200


def errors_of(read) -> list[str]:
    """Of two threads that read at once, from different depths."""
    found: list[str] = []

    def work(depth: int) -> None:
        if depth:
            work(depth - 1)
            return
        for _ in range(40):
            try:
                read(TEXT)
            except SystemError as error:
                found.append(str(error))

    def in_between(phase, info):
        for _ in range(2000):
            pass

    threads = [threading.Thread(target=work, args=(depth,)) for depth in (0, 20)]
    gc.callbacks.append(in_between)
    try:
        for each in threads:
            each.start()
        for each in threads:
            each.join()
    finally:
        gc.callbacks.remove(in_between)
    return found


def test_two_threads_read_at_once():
    assert errors_of(parse) == []


def test_what_it_guards_against_is_not_imagined():
    if not errors_of(ast.parse):
        pytest.skip("this Python keeps its depth per thread, or was lucky")


@pytest.mark.parametrize("read", [parse, parse_expression])
def test_what_the_collector_calls_may_parse_as_well(read):
    """Libraries read literals by a parser that knows nothing of our lock."""

    def in_between(phase, info):
        ast.literal_eval("[1, 2]")

    gc.callbacks.append(in_between)
    try:
        assert read(f"[{', '.join(['(a + b) * -c'] * 2000)}]")
        assert gc.isenabled()
    finally:
        gc.callbacks.remove(in_between)


def test_a_collector_that_is_off_stays_off():
    gc.disable()
    try:
        parse("x = 1")
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_what_is_no_python_is_said():
    with pytest.raises(SyntaxError):
        parse("def")
    assert gc.isenabled()


def test_what_is_too_long_is_not_parsed():
    text = "x = 1\n" + "#" * MAX_SOURCE_LENGTH
    with pytest.raises(ValueError, match="longer than 1,000,000 characters"):
        parse(text)
    assert parse(text[:MAX_SOURCE_LENGTH]).body
