"""Signatures of Python functions: which ones a change affects, and which its new lines call."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from shared.kernel.syntax import parse

Function = ast.FunctionDef | ast.AsyncFunctionDef
CONSTRUCTORS = frozenset({"__init__", "__new__"})


@dataclass(frozen=True)
class ModuleFacts:
    """The shapes of a module's signatures by qualified name, and its calls: (name, lines)."""

    signatures: Mapping[str, str]
    calls: tuple[tuple[str, int, int], ...]


NOTHING_KNOWN = ModuleFacts({}, ())


def changed_signatures(before: bytes, after: bytes) -> frozenset[str]:
    """Return the names of functions that callers must call otherwise now, or not at all any more.

    A constructor goes by the name of its class. Annotations and the values of defaults do not
    count. Of a text that is no Python nothing is known.
    """
    old, new = _read(before), _read(after)
    if new is NOTHING_KNOWN:
        return frozenset()
    return frozenset(
        _called_as(name)
        for name, shape in old.signatures.items()
        if new.signatures.get(name) != shape
    )


def called_names(source: bytes, ranges: Sequence[tuple[int, int]]) -> frozenset[str]:
    """Return the names of what is called in some lines: half-open ranges of indexes from 0."""
    if not ranges:
        return frozenset()
    return frozenset(
        name
        for name, first, last in _read(source).calls
        if any(start < last and first < end for start, end in ranges)
    )


# Each proposal of a task begins with the text that the one before it left.
@lru_cache(maxsize=64)
def _read(source: bytes) -> ModuleFacts:
    """Return what is known of a module; of a text that is none, nothing is."""
    try:
        module = parse(source)
    except (SyntaxError, ValueError):
        return NOTHING_KNOWN
    calls = (node for node in ast.walk(module) if isinstance(node, ast.Call))
    return ModuleFacts(
        signatures=dict(_shapes(module.body, "")),
        calls=tuple(
            (name, call.lineno - 1, call.end_lineno or call.lineno)
            for call in calls
            if (name := _name(call.func))
        ),
    )


def _name(function: ast.expr) -> str:
    """Return the last name of a called expression; empty for one without a name."""
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _called_as(qualified: str) -> str:
    """Return the name by which callers call the function with this qualified name."""
    *outer, name = qualified.split(".")
    return outer[-1] if name in CONSTRUCTORS and outer else name


def _shapes(body: Sequence[ast.stmt], prefix: str) -> Iterator[tuple[str, str]]:
    """Yield (qualified name, shape) of the functions in a module or class, not of local ones."""
    for node in body:
        if isinstance(node, Function):
            yield prefix + node.name, _shape(node)
        elif isinstance(node, ast.ClassDef):
            yield from _shapes(node.body, f"{prefix}{node.name}.")


def _shape(function: Function) -> str:
    """Return what callers have to respect: the kinds and names of parameters, and what is optional.

    An asynchronous function has another shape, as it must be awaited.
    """
    given = function.args
    positional = [each.arg for each in given.args]
    parts: list[object] = [
        isinstance(function, ast.AsyncFunctionDef),
        len(given.posonlyargs),
        positional,
        len(given.defaults),
        given.vararg is not None,
        [
            (each.arg, default is not None)
            for each, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
        ],
        given.kwarg is not None,
    ]
    return repr(parts)
