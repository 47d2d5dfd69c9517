"""Mutants that only tell whether any test reaches a place: an error raised there, or a probe."""

import ast
from collections.abc import Iterator
from dataclasses import replace

from services.validator.mutation.domain.blocks import (
    TRIES,
    Block,
    MutantTiming,
    iterate_blocks,
)
from services.validator.mutation.domain.mutants import NUMBER, PLACE, SWITCH, Mutant
from services.validator.mutation.domain.source_code import (
    FUNCTIONS,
    Code,
    Function,
    first_line,
    is_text,
)

DEFINITIONS = (*FUNCTIONS, ast.ClassDef)
SIMPLE = (
    ast.Expr,
    ast.Assign,
    ast.AugAssign,
    ast.AnnAssign,
    ast.Return,
    ast.Raise,
    ast.Assert,
    ast.Delete,
    ast.Import,
    ast.ImportFrom,
    ast.Continue,
    ast.Break,
)


def raise_at(code: Code, body: list[ast.stmt], line: int, hunk: int) -> Iterator[Mutant]:
    """Yield a mutant that raises an error at the first of these statements that allows it."""
    for node in body:
        made = Mutant(line, hunk, "place", "an error was raised here", 0, 0, "", "")
        if isinstance(node, SIMPLE) and not (node is body[0] and _is_docstring(node)):
            start, _ = code.span(node)
            before = f"{PLACE}({NUMBER}); "
            yield replace(made, start=start, end=start, before=before, placed_at=node.lineno)
            return
        if isinstance(node, TRIES):
            yield from raise_at(code, node.body, line, hunk)
            return
        if (head := _head(node)) is not None:
            start, end = code.span(head)
            before = f"({PLACE}({NUMBER}) or ("
            yield replace(
                made, start=start, end=end, before=before, after="))", placed_at=head.lineno
            )
            return


def entry_probe(code: Code, function: Function) -> Mutant | None:
    """Return a probe at the beginning of a function; None if there is no place for one."""
    places = raise_at(code, function.body, function.lineno, function.lineno)
    found = next(places, None)
    return found and replace(found, when=MutantTiming.REACH, description="no test gets there")


def _is_docstring(node: ast.stmt) -> bool:
    """Return true if a statement is a text alone; of a body's first one that is the docstring."""
    return is_text(node) and isinstance(node.value.value, str)  # type: ignore[attr-defined]


def _head(node: ast.stmt) -> ast.expr | None:
    """Return the expression that a compound statement begins with; None if it has none."""
    match node:
        case (
            ast.If(test=head) | ast.While(test=head) | ast.For(iter=head) | ast.AsyncFor(iter=head)
        ):
            return head
        case ast.Match(subject=head):
            return head
        case ast.With(items=[item, *_]) | ast.AsyncWith(items=[item, *_]):
            return item.context_expr
    return None


def import_check(code: Code, block: Block, line: int, hunk: int) -> Iterator[Mutant]:
    """Yield a check that a line runs at import: its module is imported, or a probe near it runs."""
    made = Mutant(line, hunk, "import", "no test imports it", 0, 0, "", "", MutantTiming.IMPORTED)
    if block.sure:
        yield made
        return
    for node in sorted(block.body, key=lambda each: abs(each.lineno - line)):
        if isinstance(node, SIMPLE):
            start, _ = code.span(node)
            before = f"{SWITCH}({NUMBER}); "
            yield replace(made, start=start, end=start, before=before, when=MutantTiming.REACH)
            return


def mutants_at_gap(code: Code, gap: int, indent: int) -> Iterator[Mutant]:
    """Yield a mutant that raises where lines of this indent were removed; at import, a check."""
    inside = [each for each in iterate_blocks(code) if _may_contain(each, gap)]
    fitting = [each for each in inside if each.body[0].col_offset == indent]
    loose = [each for each in inside if each.body[0].col_offset <= indent]
    block = (fitting or loose or inside)[-1] if inside else None
    if block is None:
        return
    line = min(gap + 1, max(len(code.starts) - 1, 1))
    if block.when is MutantTiming.IMPORT:
        yield from import_check(code, block, line, -gap)
        return
    behind = [each for each in block.body if first_line(each) > gap]
    ahead = [each for each in reversed(block.body) if first_line(each) <= gap]
    nested = [each for each in (*behind, *ahead) if not isinstance(each, DEFINITIONS)]
    rest = block.owner.body if block.owner is not None else []
    for candidates in (nested, rest):
        if found := list(raise_at(code, candidates, line, -gap)):
            yield from found
            return


def _may_contain(block: Block, gap: int) -> bool:
    """Return true if lines removed after line `gap` may have been part of a block."""
    return first_line(block.body[0]) - 1 <= gap < block.until
