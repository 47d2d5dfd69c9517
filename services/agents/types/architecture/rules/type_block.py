"""The block of a module that only type checkers read: `if TYPE_CHECKING`."""

import sys
from collections.abc import Sequence

import libcst
from libcst import matchers as m

from services.agents.types.architecture.rules.statements import (
    ImportNode,
    TopImport,
    leading_lines,
    top_import,
)

TYPE_CHECKING, TYPING, FUTURE = "TYPE_CHECKING", "typing", "__future__"
TYPE_BLOCK = m.If(
    test=m.Name(TYPE_CHECKING) | m.Attribute(attr=m.Name(TYPE_CHECKING)),
    body=m.IndentedBlock(),
    orelse=None,
)
BLANK = libcst.EmptyLine(indent=False)
COMMA = libcst.Comma(whitespace_after=libcst.SimpleWhitespace(" "))
Body = list[libcst.BaseStatement]


def with_type_block(body: Body, moved: Sequence[ImportNode]) -> Body:
    """Return the statements of a module with imports added to its block for type checkers.

    The block is made after the imports at the top, where there is none.
    """
    lines = [libcst.SimpleStatementLine([each]) for each in moved]
    for at, node in enumerate(body):
        if isinstance(node, libcst.If) and m.matches(node, TYPE_BLOCK):
            block = node.body.with_changes(body=[*node.body.body, *lines])
            return [*body[:at], node.with_changes(body=block), *body[at + 1 :]]
    body = _with_typing(body)
    after = _end_of_imports(body)
    made = libcst.If(
        libcst.Name(TYPE_CHECKING), libcst.IndentedBlock(list(lines)), leading_lines=[BLANK]
    )
    return [*body[:after], made, *_spaced(body[after:])]


def _with_typing(body: Body) -> Body:
    """Return the statements with an import of `TYPE_CHECKING`, unless they have one."""
    for at, node in enumerate(body):
        found = top_import(node)
        if found is None or _module(found) != TYPING or isinstance(found.statement, libcst.Import):
            continue
        if TYPE_CHECKING in found.bound:
            return body
        assert not isinstance(found.statement.names, libcst.ImportStar)
        first = libcst.ImportAlias(libcst.Name(TYPE_CHECKING), comma=COMMA)
        statement = found.statement.with_changes(names=[first, *found.statement.names])
        return [*body[:at], found.line.with_changes(body=[statement]), *body[at + 1 :]]
    return _with_new_import(body)


def _with_new_import(body: Body) -> Body:
    """Return the statements with `from typing import TYPE_CHECKING` among the standard imports."""
    alias = libcst.ImportAlias(libcst.Name(TYPE_CHECKING))
    made = libcst.SimpleStatementLine([libcst.ImportFrom(libcst.Name(TYPING), [alias])])
    at, is_first = _place_for_typing(body)
    if not is_first:
        return [*body[:at], made, *body[at:]]
    # It begins a section of its own.
    rest = body[at:]
    begins_file = at == 0 and not (rest and leading_lines(rest[0]))
    if rest and top_import(rest[0]) is not None:
        rest = [rest[0].with_changes(leading_lines=[BLANK]), *rest[1:]]
    if not begins_file:
        made = made.with_changes(leading_lines=[BLANK])
    return [*body[:at], made, *rest]


def _place_for_typing(body: Body) -> tuple[int, bool]:
    """Return where an import from `typing` belongs, and whether it begins the section there.

    That is behind the imports of the standard library that are sorted before it.
    """
    place = 0
    for at, node in enumerate(body[: _end_of_imports(body)]):
        found = top_import(node)
        if found is None:
            place = max(place, at + 1) if at == 0 and _is_docstring(node) else place
            continue
        module = _module(found).partition(".")[0]
        if module == FUTURE:
            place = at + 1
        elif module in sys.stdlib_module_names and _key(found) < (1, TYPING):
            return _behind(body, at)
    return place, True


def _behind(body: Body, start: int) -> tuple[int, bool]:
    """Return the place behind the standard imports from `start` that are sorted before typing."""
    place = start + 1
    for at in range(start, _end_of_imports(body)):
        found = top_import(body[at])
        is_standard = found and _module(found).partition(".")[0] in sys.stdlib_module_names
        if found and is_standard and _key(found) < (1, TYPING):
            place = at + 1
    return place, False


def _end_of_imports(body: Body) -> int:
    """Return the place behind the last import before the first function or class."""
    end = 0
    for at, node in enumerate(body):
        if isinstance(node, libcst.FunctionDef | libcst.ClassDef):
            break
        if top_import(node) is not None:
            end = at + 1
    return end or (1 if body and _is_docstring(body[0]) else 0)


def _spaced(rest: Body) -> Body:
    """Return what follows the block, with a blank line before it."""
    if not rest or leading_lines(rest[0]):
        return rest
    return [rest[0].with_changes(leading_lines=[BLANK]), *rest[1:]]


def _key(found: TopImport) -> tuple[int, str]:
    """Return what import statements of a section are sorted by: plain ones come first."""
    return int(isinstance(found.statement, libcst.ImportFrom)), _module(found)


def _module(found: TopImport) -> str:
    """Return the name of the module that a statement imports or imports from; dots in front."""
    statement = found.statement
    if isinstance(statement, libcst.Import):
        return statement.names[0].evaluated_name
    name = "" if statement.module is None else _dotted(statement.module)
    return "." * len(statement.relative) + name


def _dotted(node: libcst.BaseExpression) -> str:
    """Return a dotted name as a text."""
    if isinstance(node, libcst.Attribute):
        return f"{_dotted(node.value)}.{node.attr.value}"
    assert isinstance(node, libcst.Name)
    return node.value


def _is_docstring(node: libcst.BaseStatement) -> bool:
    """Return whether a statement is a text that stands alone."""
    return m.matches(
        node,
        m.SimpleStatementLine(body=[m.Expr(m.SimpleString() | m.ConcatenatedString())]),
    )
