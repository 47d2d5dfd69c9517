"""The blocks of a Python file, and when each of them runs."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from services.validator.mutation.domain.source_code import FUNCTIONS, Code, Function, first_line

TRIES = (ast.Try, ast.TryStar)


class MutantTiming(StrEnum):
    """When the code of a mutant runs: when it is called, or when its module is imported.

    A mutant in code that runs at import needs a process of its own (`import`). Otherwise it is only
    checked that the code runs at all, by a probe (`reach`) or by its module having been imported
    (`imported`).
    """

    CALL = "call"
    IMPORT = "import"
    REACH = "reach"
    IMPORTED = "imported"


@dataclass(frozen=True)
class Block:
    """Consecutive statements of a file.

    `when` says when they run, and `sure` is false if that depends on a condition at import. `until`
    is the line after the last one that may belong to the block, `owner` the function that it is in.
    """

    body: Sequence[ast.stmt]
    when: MutantTiming
    sure: bool
    until: int
    owner: Function | None


def iterate_blocks(code: Code) -> Iterator[Block]:
    """Yield all blocks of a file, outer ones first, without those for type checkers only."""
    yield from _blocks(Block(code.tree.body, MutantTiming.IMPORT, True, len(code.starts) + 1, None))


def _blocks(block: Block) -> Iterator[Block]:
    """Yield a block and all blocks in its statements, outer ones first; none if it is empty."""
    if not block.body:
        return
    yield block
    ends = [*(first_line(each) for each in block.body[1:]), block.until]
    for each, end in zip(block.body, ends, strict=True):
        if isinstance(each, FUNCTIONS):
            yield from _blocks(Block(each.body, MutantTiming.CALL, True, end, each))
        elif isinstance(each, ast.ClassDef):
            yield from _blocks(replace(block, body=each.body, until=end))
        else:
            yield from _suites(block, each, end)


def _suites(block: Block, node: ast.stmt, end: int) -> Iterator[Block]:
    """Yield the blocks of one compound statement and those in them; `end` is the line after it."""
    suites: list[tuple[Sequence[ast.stmt], bool]] = []
    for name in ("body", "orelse", "finalbody"):
        sure = isinstance(node, ast.With) or (isinstance(node, TRIES) and name != "orelse")
        if not (name == "body" and isinstance(node, ast.If) and is_typing(node.test)):
            suites.append((getattr(node, name, None) or (), block.sure and sure))
    suites += [(each.body, False) for each in getattr(node, "handlers", ())]
    suites += [(each.body, False) for each in getattr(node, "cases", ())]
    suites = sorted((each for each in suites if each[0]), key=lambda each: each[0][0].lineno)
    ends = [*(first_line(body[0]) for body, _ in suites[1:]), end]
    for (body, sure), last in zip(suites, ends, strict=False):
        yield from _blocks(replace(block, body=body, sure=sure, until=last))


def is_typing(test: ast.expr) -> bool:
    """Return true for the condition `TYPE_CHECKING`, which only holds for type checkers."""
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


def header_of(node: ast.stmt) -> range:
    """Return the lines of a statement, decorators included, before its blocks; none for `try`."""
    body = getattr(node, "body", None)
    last = node.end_lineno or node.lineno
    if isinstance(node, ast.Match):
        last = node.subject.end_lineno or node.lineno
    elif isinstance(node, TRIES):
        return range(0)
    elif body:
        last = max(node.lineno, first_line(body[0]) - 1)
    return range(first_line(node), last + 1)
