"""Fixes of ruff that are right, and yet a loss to readers: they are not offered."""

import ast
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace

from shared.detectors.comments import drops_comment
from shared.detectors.ruff.process import Diagnostic
from shared.detectors.texts import line_at, split_lines
from shared.kernel.syntax import parse

ELSE_AFTER_A_JUMP = {"RET505", "RET506", "RET507", "RET508"}
REMARK_ON_ELSE = re.compile(r"\s*else\s*:\s*#")
RETURN_OF_NONE, ELSE_WITH_AN_IF, UNUSED_IN_UNPACKING = "RET501", "PLR5501", "RUF059"
END_OF_DOCSTRING = re.compile(r"""(?:\"{3}|'{3}|:)$""")


def without_losses(found: Sequence[Diagnostic], files: Mapping[str, str]) -> Iterator[Diagnostic]:
    """Yield findings in these files as they are, or without their fix if that would be a loss.

    That is a fix that drops a comment, takes from a comment the `else` that it is about, leaves a
    bare `return` as all that a function does, makes branches unlike that look alike, or marks all
    names of an unpacking as unused, where none is needed.
    """
    rows: dict[tuple[str, str], list[int]] = defaultdict(list)
    for each in found:
        rows[each.path, each.code].append(each.row)
    parallel = {
        (path, row)
        for (path, code), mine in rows.items()
        for row in (_parallel_branches(files[path], mine) if code == ELSE_WITH_AN_IF else ())
    }
    unused = {
        (path, row)
        for (path, code), mine in rows.items()
        for row in (_useless_unpackings(files[path], mine) if code == UNUSED_IN_UNPACKING else ())
    }
    for each in found:
        place = each.path, each.row
        is_loss = (
            (each.code == ELSE_WITH_AN_IF and place in parallel)
            or (each.code == UNUSED_IN_UNPACKING and place in unused)
            or _says_less(each, files[each.path])
            or drops_comment(files[each.path], each.edits)
        )
        yield replace(each, edits=(), applicability="") if is_loss else each


def _says_less(found: Diagnostic, text: str) -> bool:
    """Return whether the fix of a finding makes its line say less than before."""
    lines = split_lines(text)
    if found.code in ELSE_AFTER_A_JUMP:
        return bool(REMARK_ON_ELSE.match(line_at(lines, found.row)))
    return found.code == RETURN_OF_NONE and bool(
        END_OF_DOCSTRING.search(line_at(lines, found.row - 1).rstrip())
    )


def _parallel_branches(text: str, rows: Collection[int]) -> Iterator[int]:
    """Yield the rows of each `else` with nothing but an `if`, after a branch of the same form."""
    for node in _nodes(text, ast.If):
        match node:
            case ast.If(body=[ast.If() as last], orelse=[ast.If() as inner]):
                between = range((last.end_lineno or 0) + 1, inner.lineno + 1)
                yield from (row for row in rows if row in between)


def _useless_unpackings(text: str, rows: Collection[int]) -> Iterator[int]:
    """Yield the rows of those with findings in which each name that is unpacked has one."""
    for node in _nodes(text, ast.Assign):
        match node:
            case ast.Assign(targets=[ast.Tuple() | ast.List() as target]):
                names = [each for each in ast.walk(target) if isinstance(each, ast.Name)]
                marked = [each for each in names if each.id.startswith("_")]
                for row in {each.lineno for each in names if each.lineno in rows}:
                    if len(names) - len(marked) <= sum(each == row for each in rows):
                        yield row


def _nodes(text: str, kind: type[ast.AST]) -> Iterator[ast.AST]:
    """Yield the nodes of a kind in a Python source; none if it cannot be parsed."""
    try:
        tree = parse(text)
    except (SyntaxError, ValueError):
        return
    yield from (each for each in ast.walk(tree) if isinstance(each, kind))
