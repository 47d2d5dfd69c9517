"""Finds every mutant that fits where a change touched a file."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from services.validator.mutation.domain.blocks import (
    Block,
    MutantTiming,
    header_of,
    is_typing,
    iterate_blocks,
)
from services.validator.mutation.domain.expressions import (
    can_be_negated,
    is_message,
    one_line,
    replaceable_expressions,
    replacements,
)
from services.validator.mutation.domain.mutants import NUMBER, SWITCH, Mutant, hunk_of
from services.validator.mutation.domain.places import import_check, mutants_at_gap, raise_at
from services.validator.mutation.domain.source_code import (
    FUNCTIONS,
    Code,
    header,
    is_text,
    short,
)
from services.validator.mutation.domain.touched import TouchedLines

# Names such as `__all__` and `__version__` are only read by the import machinery and by tools.
DUNDER = "__"


def find_mutants(
    code: Code, touched: TouchedLines, headers: Callable[[], frozenset[str]]
) -> Iterator[Mutant]:
    """Yield every mutant that fits; `headers` returns the function headers before the change."""
    for block in iterate_blocks(code):
        for number, node in enumerate(block.body):
            lines = touched.lines & code.busy & set(header_of(node))
            if lines and not (number == 0 and is_text(node)):
                statement = TouchedStatement(code, block, node, lines, touched, headers)
                yield from statement.find_mutants()
            yield from _mutants_of_clauses(code, block, node, touched)
    for gap, indent in touched.gaps.items():
        yield from mutants_at_gap(code, gap, indent)


@dataclass(frozen=True)
class TouchedStatement:
    """A statement of a block, with the touched lines of its header."""

    code: Code
    block: Block
    node: ast.stmt
    lines: frozenset[int] | set[int]
    touched: TouchedLines
    headers: Callable[[], frozenset[str]]

    def find_mutants(self) -> Iterator[Mutant]:
        """Yield mutants of its expressions and itself; if none runs when called, also of its place.

        There are none of what does nothing, or of a function whose header is as before.
        """
        node = self.node
        if isinstance(node, ast.Pass | ast.Global | ast.Nonlocal) or is_text(node):
            return
        if isinstance(node, ast.AnnAssign) and node.value is None and self._runs_when_called:
            return
        if isinstance(node, ast.If) and is_typing(node.test):
            return
        if isinstance(node, FUNCTIONS) and header(node) in self.headers():
            return
        found = [*self._mutate_expressions(), *self._mutate_statement()]
        yield from found
        if not any(each.when is MutantTiming.CALL for each in found):
            yield from self._probe_place()

    @property
    def _runs_when_called(self) -> bool:
        """True if the statement runs when its function is called, and not at import."""
        return self.block.when is MutantTiming.CALL

    def _mutate_statement(self) -> Iterator[Mutant]:
        """Yield mutants of the statement as a whole, by its kind."""
        node = self.node
        match node:
            case ast.Return(value=None) | ast.Continue() | ast.Break() | ast.Delete():
                yield from self._dropped()
            case ast.Raise() | ast.AugAssign() | ast.Import() | ast.ImportFrom():
                yield from self._dropped()
            case ast.Return(value=ast.Constant(value=None) as value):
                yield from self._swap(value, ast.Constant(1), "return")
            case ast.Return(value=ast.expr() as value) if not isinstance(value, ast.Constant):
                yield from self._swap(value, ast.Constant(None), "return")
            case ast.Expr(value=value) if not is_message(value):
                yield from self._swap(value, ast.Constant(None), "drop")
            case ast.If(test=test) | ast.While(test=test) | ast.Assert(test=test) if can_be_negated(
                test
            ):
                yield from self._swap(test, ast.UnaryOp(ast.Not(), test), "condition")
            case ast.For(iter=value):
                yield from self._swap(value, ast.Tuple([], ast.Load()), "loop")
            case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
                yield from self._assigned(value)

    def _assigned(self, value: ast.expr) -> Iterator[Mutant]:
        """Yield mutants that assign another value, or leave out setting an attribute or item."""
        targets = self.node.targets if isinstance(self.node, ast.Assign) else []
        if any(isinstance(each, ast.Attribute | ast.Subscript) for each in targets):
            yield from self._dropped()
        is_none = isinstance(value, ast.Constant) and value.value is None
        other = ast.Constant(0 if is_none else None)
        if is_none or not isinstance(value, ast.Constant):
            yield from self._swap(value, other, "value")

    def _dropped(self) -> Iterator[Mutant]:
        """Yield a mutant without the statement; none at import, or where it shares a line."""
        if self._runs_when_called and self.code.is_alone(self.node):
            description = f"`{self.code.source(self.node)}` was left out"
            before = f"if not {SWITCH}({NUMBER}): "
            yield self._mutant(self.node, "drop", description, before, "")

    def _mutate_expressions(self) -> Iterator[Mutant]:
        """Yield mutants of those expressions that are wholly on touched lines."""
        for expression, lazy in replaceable_expressions(self.node):
            if not set(range(expression.lineno, _last(expression) + 1)) <= self.lines:
                continue
            for operator, other in replacements(expression):
                for each in self._swap(expression, other, operator):
                    yield replace(each, when=MutantTiming.CALL) if lazy else each

    def _swap(self, node: ast.expr, other: ast.expr, operator: str) -> Iterator[Mutant]:
        """Yield a mutant that replaces an expression by another; none if that is not possible."""
        if self.block.when is MutantTiming.IMPORT and not self._can_change_at_import:
            return
        new = one_line(other)
        if not new:
            return
        effects = {"loop": "was empty", "drop": "was left out"}
        effect = effects.get(operator, f"became `{short(new)}`")
        description = f"`{self.code.source(node)}` {effect}"
        # Without brackets the switch would become a part of it: `a if b else c if ... else ...`.
        replacement = f"({new})" if isinstance(other, ast.IfExp | ast.Lambda) else new
        before = f"({replacement} if {SWITCH}({NUMBER}) else ("
        yield self._mutant(node, operator, description, before, "))")

    @property
    def _can_change_at_import(self) -> bool:
        """True if the statement surely runs at import, and sets no name such as `__all__`."""
        targets = getattr(self.node, "targets", [getattr(self.node, "target", None)])
        names = [each.id for each in targets if isinstance(each, ast.Name)]
        return self.block.sure and not any(name.startswith(DUNDER) for name in names)

    def _probe_place(self) -> Iterator[Mutant]:
        """Yield a mutant that raises at the statement or in its function; at import, a check."""
        if isinstance(self.node, FUNCTIONS):
            yield from raise_at(self.code, self.node.body, min(self.lines), self._hunk)
        elif not self._runs_when_called:
            yield from import_check(self.code, self.block, min(self.lines), self._hunk)
        else:
            yield from raise_at(self.code, [self.node], min(self.lines), self._hunk)

    @property
    def _hunk(self) -> int:
        """The first line of the run of touched lines that the statement begins in."""
        return hunk_of(min(self.lines), self.touched)

    def _mutant(
        self, node: ast.expr | ast.stmt, operator: str, description: str, before: str, after: str
    ) -> Mutant:
        """Return a mutant with `before` and `after` put around a node of the statement."""
        start, end = self.code.span(node)
        line = min(self.lines & set(range(node.lineno, _last(node) + 1)), default=node.lineno)
        hunk = hunk_of(line, self.touched)
        return Mutant(line, hunk, operator, description, start, end, before, after, self.block.when)


def _last(node: ast.expr | ast.stmt) -> int:
    """Return the line on which a syntax node ends."""
    return node.end_lineno or node.lineno


def _mutants_of_clauses(
    code: Code, block: Block, node: ast.stmt, touched: TouchedLines
) -> Iterator[Mutant]:
    """Yield mutants of touched clauses: `except` catches nothing, any other raises an error.

    At import they are checks that the clause's line runs.
    """
    for clause in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        first = clause.lineno if isinstance(clause, ast.ExceptHandler) else clause.pattern.lineno
        head = range(first, max(first, clause.body[0].lineno - 1) + 1)
        lines = touched.lines & code.busy & set(head)
        if not lines:
            continue
        line, hunk = min(lines), hunk_of(min(lines), touched)
        if block.when is MutantTiming.IMPORT:
            yield from import_check(code, block, line, hunk)
        elif isinstance(clause, ast.ExceptHandler) and clause.type is not None:
            start, end = code.span(clause.type)
            description = f"`except {code.source(clause.type)}` caught nothing"
            before = f"(() if {SWITCH}({NUMBER}) else ("
            yield Mutant(line, hunk, "handler", description, start, end, before, "))")
        else:
            yield from raise_at(code, clause.body, line, hunk)
