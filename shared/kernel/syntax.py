"""Parsing Python safely from several threads."""

import ast
import gc
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType

from shared.kernel.cancellation import check_cancelled

_PARSER_LOCK = threading.Lock()
# In bytes or characters. People write no larger file, and analysing one takes longer than a wave.
MAX_SOURCE_LENGTH = 1_000_000


def parse(source: str | bytes, version: tuple[int, int] | None = None) -> ast.Module:
    """Parse a module, as `ast.parse` does. Raises SyntaxError and ValueError.

    A source of more than `MAX_SOURCE_LENGTH` is a ValueError. `version` is the Python whose syntax
    is accepted, as far as the parser knows what came later. Analysis parses file by file, so it
    also ends here where it was cancelled, by `Cancelled`.
    """
    check_cancelled()
    if len(source) > MAX_SOURCE_LENGTH:
        raise ValueError(f"it is longer than {MAX_SOURCE_LENGTH:,} characters")
    with _uninterrupted(), _depth_as_value_error():
        return ast.parse(source, feature_version=version)


def parse_expression(source: str) -> ast.Expression:
    """Parse one expression, which may be indented. Raises SyntaxError and ValueError."""
    with _uninterrupted(), _depth_as_value_error():
        return ast.parse(source.lstrip(" \t"), mode="eval")


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let no other code run in the middle of making a tree.

    In CPython before 3.11.8 and 3.12.2 all code shares the counter of a tree's depth, and who finds
    it changed by others raises SystemError (python/cpython#106905). Others parse without the lock,
    such as `ast.literal_eval` in libraries. But only the garbage collector lets them run meanwhile,
    by what it calls and finalizes, also in the same thread.
    """
    with _PARSER_LOCK:
        was_enabled = gc.isenabled()
        gc.disable()
        try:
            yield
        finally:
            if was_enabled:
                gc.enable()


@contextmanager
def _depth_as_value_error() -> Iterator[None]:
    """Raise ValueError for a source that is nested more deeply than Python's parser allows."""
    try:
        yield
    except (RecursionError, MemoryError):
        raise ValueError("it is nested too deeply") from None


def compile_tree(tree: ast.Module) -> CodeType:
    """Compile a module without showing warnings. Raises SyntaxError, ValueError, RecursionError."""
    with _PARSER_LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return compile(tree, "", "exec", dont_inherit=True)
