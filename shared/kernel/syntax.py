"""Reading Python, from any thread."""

import ast
import threading

_ONE_AT_A_TIME = threading.Lock()


def parse(source: str | bytes) -> ast.Module:
    """`ast.parse`, which raises SyntaxError and ValueError.

    In CPython 3.11 all threads share the counter of how deep they are in building a tree, and a thread that finds it
    moved raises SystemError (python/cpython#106905): so only one of them builds at a time.
    """
    with _ONE_AT_A_TIME:
        return ast.parse(source)


def expression(source: str) -> ast.Expression:
    """The same, of one expression."""
    with _ONE_AT_A_TIME:
        return ast.parse(source.lstrip(" \t"), mode="eval")
