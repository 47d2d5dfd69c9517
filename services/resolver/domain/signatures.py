"""Signatures of Python functions: which ones a change affects, and which its new lines call."""

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from shared.kernel.sections import (
    MAX_REMEMBERED_SECTIONS,
    TextSection,
    count_rows,
    is_valid,
    plain_text,
    split_sections,
    statements_of,
)
from shared.kernel.syntax import parse

Call = tuple[str, int, int]
Function = ast.FunctionDef | ast.AsyncFunctionDef
CONSTRUCTORS = frozenset({"__init__", "__new__"})


@dataclass(frozen=True)
class ModuleFacts:
    """The shapes of a module's signatures by qualified name, and its calls: (name, lines)."""

    signatures: Mapping[str, str]
    calls: tuple[Call, ...]


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
    text = plain_text(source)
    if text is None:
        return _read_whole(source)
    sections = split_sections(text)
    if not is_valid(text):
        return NOTHING_KNOWN
    signatures: dict[str, str] = {}
    calls: list[Call] = []
    rows, owner = 0, ""
    for section in sections:
        found = _read_section(section)
        prefix = owner if section.in_class else ""
        signatures |= {prefix + name: shape for name, shape in found.signatures.items()}
        calls += [(name, rows + first, rows + last) for name, first, last in found.calls]
        rows += count_rows(section.text)
        if not section.in_class:
            classes = [e.name for e in statements_of(section) if isinstance(e, ast.ClassDef)]
            owner = f"{classes[-1]}." if classes else ""
    return ModuleFacts(signatures, tuple(calls))


def _read_whole(source: bytes) -> ModuleFacts:
    """Return what is known of a module that is not read by sections."""
    try:
        module = parse(source)
    except (SyntaxError, ValueError):
        return NOTHING_KNOWN
    return _facts(module.body, 1)


@lru_cache(maxsize=MAX_REMEMBERED_SECTIONS)
def _read_section(section: TextSection) -> ModuleFacts:
    """Return what is known of a section, in rows and names of its own."""
    return _facts(statements_of(section), 1 + section.in_class)


def _facts(body: Sequence[ast.stmt], first_row: int) -> ModuleFacts:
    """Return what is known of statements; `first_row` is that of their text."""
    nodes = (node for each in body for node in ast.walk(each))
    calls = (node for node in nodes if isinstance(node, ast.Call))
    return ModuleFacts(
        signatures=dict(_shapes(body, "")),
        calls=tuple(
            (name, call.lineno - first_row, (call.end_lineno or call.lineno) - first_row + 1)
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
