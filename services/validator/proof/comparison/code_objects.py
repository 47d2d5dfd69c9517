"""What a code object does, without where its lines stand."""

from __future__ import annotations

from types import CodeType
from typing import Any, Tuple  # noqa: UP035 - evaluated, also by Python 3.8

Key = Tuple[Any, ...]  # noqa: UP006

# Whatever an interpreter takes from a code object to run it, or shows of it by name. Line tables
# and the first line only serve tracebacks and tracers; the size of the stack follows from the code.
ATTRIBUTES = (
    "co_name",
    "co_qualname",
    "co_flags",
    "co_argcount",
    "co_posonlyargcount",
    "co_kwonlyargcount",
    "co_nlocals",
    "co_names",
    "co_varnames",
    "co_freevars",
    "co_cellvars",
    "co_code",
    "co_exceptiontable",
)


def code_key(code: CodeType) -> Key:
    """Return a value that is equal for code objects that differ at most in positions."""
    attributes = tuple(getattr(code, name, None) for name in ATTRIBUTES)
    return (*attributes, tuple(constant_key(each) for each in code.co_consts))


def constant_key(value: Any) -> Key:
    """Return a value that is equal for constants of one type and value only: 1 is not True."""
    kind = type(value).__name__
    if isinstance(value, CodeType):
        return (kind, code_key(value))
    if isinstance(value, tuple):
        return (kind, tuple(constant_key(each) for each in value))
    if isinstance(value, frozenset):
        return (kind, frozenset(constant_key(each) for each in value))
    # The text of a float tells 0.0 from -0.0, and one NaN is as good as another.
    return (kind, repr(value))


def names_in(code: CodeType) -> set[str]:
    """Return the global names and attributes in a code object and all that it contains."""
    inner = [names_in(each) for each in code.co_consts if isinstance(each, CodeType)]
    return set(code.co_names).union(*inner)
