"""The operators: which faults fit where a change touched a file."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from services.validator.mutation.domain.mutants import (
    BOUNDARIES,
    DEFINITIONS,
    FUNCTIONS,
    NUMBER,
    PLACE,
    SIMPLE,
    SPOKEN,
    SWAPPED,
    SWITCH,
    TRIES,
    Block,
    Code,
    Function,
    Mutant,
    When,
    blocks,
    first_line,
    header,
    header_of,
    hunk_of,
    is_text,
    is_typing,
    short,
)
from services.validator.mutation.domain.touched import Touched

# What nobody but the import machinery and tools read: `__all__`, `__version__`.
DUNDER = "__"


def mutants(
    code: Code, touched: Touched, headers: Callable[[], frozenset[str]]
) -> Iterator[Mutant]:
    """Every fault that fits. `headers` gives those of the functions as they were before, where they are asked for."""
    for block in blocks(code):
        for number, node in enumerate(block.body):
            lines = touched.lines & code.busy & set(header_of(node))
            if lines and not (number == 0 and is_text(node)):
                yield from Statement(code, block, node, lines, touched, headers).mutants()
            yield from _of_clauses(code, block, node, touched)
    for gap, indent in touched.gaps.items():
        yield from _at_gap(code, gap, indent)


@dataclass(frozen=True)
class Statement:
    """One statement of a block, of whose header these lines are touched."""

    code: Code
    block: Block
    node: ast.stmt
    lines: frozenset[int] | set[int]
    touched: Touched
    headers: Callable[[], frozenset[str]]

    def mutants(self) -> Iterator[Mutant]:
        """Of its expressions, of itself, and where it does something that nothing else fits, of its place."""
        node = self.node
        if isinstance(node, ast.Pass | ast.Global | ast.Nonlocal) or is_text(node):
            return
        if isinstance(node, ast.AnnAssign) and node.value is None and self._called:
            return
        if isinstance(node, ast.If) and is_typing(node.test):
            return
        if isinstance(node, FUNCTIONS) and header(node) in self.headers():
            return
        found = [*self._of_expressions(), *self._of_itself()]
        yield from found
        if not any(each.when is When.CALL for each in found):
            yield from self._of_place()

    @property
    def _called(self) -> bool:
        return self.block.when is When.CALL

    def _of_itself(self) -> Iterator[Mutant]:
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
            case ast.Expr(value=value) if not _is_spoken(value):
                yield from self._swap(value, ast.Constant(None), "drop")
            case ast.If(test=test) | ast.While(test=test) | ast.Assert(test=test) if _is_plain(
                test
            ):
                yield from self._swap(test, ast.UnaryOp(ast.Not(), test), "condition")
            case ast.For(iter=value):
                yield from self._swap(value, ast.Tuple([], ast.Load()), "loop")
            case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
                yield from self._assigned(value)

    def _assigned(self, value: ast.expr) -> Iterator[Mutant]:
        """Names get another value; an attribute or an item may be left as it is."""
        targets = self.node.targets if isinstance(self.node, ast.Assign) else []
        if any(isinstance(each, ast.Attribute | ast.Subscript) for each in targets):
            yield from self._dropped()
        is_none = isinstance(value, ast.Constant) and value.value is None
        other = ast.Constant(0 if is_none else None)
        if is_none or not isinstance(value, ast.Constant):
            yield from self._swap(value, other, "value")

    def _dropped(self) -> Iterator[Mutant]:
        """Not at import: there it could only be tried by itself, and names would be missing."""
        if self._called and self.code.alone(self.node):
            what = f"`{self.code.source(self.node)}` was left out"
            before = f"if not {SWITCH}({NUMBER}): "
            yield self._mutant(self.node, "drop", what, before, "")

    def _of_expressions(self) -> Iterator[Mutant]:
        for expression, lazy in _expressions(self.node):
            if not set(range(expression.lineno, _last(expression) + 1)) <= self.lines:
                continue
            for operator, other in _others(expression):
                for each in self._swap(expression, other, operator):
                    yield replace(each, when=When.CALL) if lazy else each

    def _swap(self, node: ast.expr, other: ast.expr, operator: str) -> Iterator[Mutant]:
        """The expression is another one while the switch is on."""
        if self.block.when is When.IMPORT and not self._may_be_tried:
            return
        new = _written(other)
        if not new:
            return
        what = f"`{self.code.source(node)}` became `{short(new)}`"
        if operator == "loop":
            what = f"`{self.code.source(node)}` was empty"
        if operator == "drop":
            what = f"`{self.code.source(node)}` was left out"
        # Else the switch would be a part of it: `a if b else c if ... else ...`.
        held = f"({new})" if isinstance(other, ast.IfExp | ast.Lambda) else new
        before = f"({held} if {SWITCH}({NUMBER}) else ("
        yield self._mutant(node, operator, what, before, "))")

    @property
    def _may_be_tried(self) -> bool:
        """At import a value may be another one, where it is one that code goes by."""
        targets = getattr(self.node, "targets", [getattr(self.node, "target", None)])
        names = [each.id for each in targets if isinstance(each, ast.Name)]
        return self.block.sure and not any(name.startswith(DUNDER) for name in names)

    def _of_place(self) -> Iterator[Mutant]:
        """Whether it runs at all: an error there, or at import a look."""
        if isinstance(self.node, FUNCTIONS):
            yield from _raised(self.code, self.node.body, min(self.lines), self._hunk)
        elif not self._called:
            yield from _at_import(self.code, self.block, min(self.lines), self._hunk)
        else:
            yield from _raised(self.code, [self.node], min(self.lines), self._hunk)

    @property
    def _hunk(self) -> int:
        return hunk_of(min(self.lines), self.touched)

    def _mutant(
        self, node: ast.expr | ast.stmt, operator: str, what: str, before: str, after: str
    ) -> Mutant:
        start, end = self.code.span(node)
        line = min(self.lines & set(range(node.lineno, _last(node) + 1)), default=node.lineno)
        hunk = hunk_of(line, self.touched)
        return Mutant(line, hunk, operator, what, start, end, before, after, self.block.when)


def _last(node: ast.expr | ast.stmt) -> int:
    return node.end_lineno or node.lineno


def _written(node: ast.expr) -> str:
    """An expression on one line that every Python reads alike; empty where there is none.

    Quotes inside of an f-string may be written as only a newer Python than the target's reads them.
    """
    if any(isinstance(each, ast.JoinedStr) for each in ast.walk(node)):
        return ""
    text = ast.unparse(ast.fix_missing_locations(node))
    return text if "\n" not in text and text.isprintable() else ""


def _is_plain(test: ast.expr) -> bool:
    """Nothing of which a part can be turned round just as well."""
    negated = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    return not negated and not isinstance(test, ast.Compare | ast.Constant)


def _is_spoken(node: ast.expr) -> bool:
    """A call that only tells people something."""
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    return getattr(called, "attr", getattr(called, "id", "")) in SPOKEN


def _expressions(node: ast.stmt) -> Iterator[tuple[ast.expr, bool]]:
    """The expressions of a statement's header that can be other ones, and whether they wait for a call.

    Not: annotations, targets, patterns, what is inside of f-strings, and texts that only people read.
    """
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "targets", "target", "type_params", "pattern"}:
            continue
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, ast.stmt | ast.ExceptHandler | ast.match_case):
                continue
            if isinstance(each, ast.AST):
                spoken = isinstance(node, ast.Raise) or (
                    isinstance(each, ast.expr) and _is_spoken(each)
                )
                yield from _below(each, lazy=False, spoken=spoken)


def _below(node: ast.AST, *, lazy: bool, spoken: bool) -> Iterator[tuple[ast.expr, bool]]:
    if isinstance(node, ast.arg):
        return
    if isinstance(node, ast.expr) and _is_value(node):
        is_said = spoken and isinstance(node, ast.Constant) and isinstance(node.value, str)
        if not is_said:
            yield node, lazy
    if isinstance(node, ast.JoinedStr) or type(node).__name__ == "TemplateStr":
        return
    for name, value in ast.iter_fields(node):
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, ast.AST):
                waits = lazy or (isinstance(node, ast.Lambda) and name == "body")
                yield from _below(each, lazy=waits, spoken=spoken)


def _is_value(node: ast.expr) -> bool:
    loaded = isinstance(getattr(node, "ctx", None) or ast.Load(), ast.Load)
    return loaded and not isinstance(node, ast.Starred | ast.Slice)


def _others(node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """What an expression may be instead, by operator."""
    match node:
        case ast.Compare(ops=[op, *rest]) if type(op) in SWAPPED:
            operator = "boundary" if isinstance(op, BOUNDARIES) else "comparison"
            swapped = SWAPPED[type(op)]()
            yield operator, ast.Compare(node.left, [swapped, *rest], node.comparators)  # type: ignore[list-item]
            if operator == "boundary":
                yield "condition", ast.UnaryOp(ast.Not(), node)
        case ast.BoolOp(op=op):
            yield "boolean", ast.BoolOp(SWAPPED[type(op)](), node.values)  # type: ignore[arg-type]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "condition", operand
        case ast.BinOp(op=op) if type(op) in SWAPPED and not _is_odd(node):
            yield "arithmetic", ast.BinOp(node.left, SWAPPED[type(op)](), node.right)  # type: ignore[arg-type]
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield "condition", ast.IfExp(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.Constant(value=value):
            yield from (("constant", ast.Constant(other)) for other in _constants(value))


def _is_odd(node: ast.BinOp) -> bool:
    """Texts can be added and formatted, but not the other way round; and adding nothing is taking nothing away."""
    return any(
        isinstance(each, ast.JoinedStr)
        or (
            isinstance(each, ast.Constant)
            and (isinstance(each.value, str | bytes) or not each.value)
        )
        for each in (node.left, node.right)
    )


def _constants(value: object) -> Iterator[complex | str | bytes]:
    match value:
        case bool():
            yield not value
        case int() | float() | complex():
            yield value + 1
        case str():
            yield "" if value else "planted"
        case bytes():
            yield b"" if value else b"planted"


def _of_clauses(code: Code, block: Block, node: ast.stmt, touched: Touched) -> Iterator[Mutant]:
    """Of an `except`, that it catches nothing; of a `case`, whether it is ever taken."""
    for clause in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
        first = clause.lineno if isinstance(clause, ast.ExceptHandler) else clause.pattern.lineno
        header = range(first, max(first, clause.body[0].lineno - 1) + 1)
        lines = touched.lines & code.busy & set(header)
        if not lines:
            continue
        line, hunk = min(lines), hunk_of(min(lines), touched)
        if block.when is When.IMPORT:
            yield from _at_import(code, block, line, hunk)
        elif isinstance(clause, ast.ExceptHandler) and clause.type is not None:
            start, end = code.span(clause.type)
            what = f"`except {code.source(clause.type)}` caught nothing"
            before = f"(() if {SWITCH}({NUMBER}) else ("
            yield Mutant(line, hunk, "handler", what, start, end, before, "))")
        else:
            yield from _raised(code, clause.body, line, hunk)


def _raised(code: Code, body: list[ast.stmt], line: int, hunk: int) -> Iterator[Mutant]:
    """An error at the first of these statements where one can be: it tells whether any test gets there."""
    for node in body:
        what = "an error was raised here"
        made = Mutant(line, hunk, "place", what, 0, 0, "", "")
        if isinstance(node, SIMPLE) and not (node is body[0] and _is_docstring(node)):
            start, _ = code.span(node)
            before = f"{PLACE}({NUMBER}); "
            yield replace(made, start=start, end=start, before=before, planted=node.lineno)
            return
        if isinstance(node, TRIES):
            yield from _raised(code, node.body, line, hunk)
            return
        if (head := _head(node)) is not None:
            start, end = code.span(head)
            before = f"({PLACE}({NUMBER}) or ("
            yield replace(
                made, start=start, end=end, before=before, after="))", planted=head.lineno
            )
            return


def entry(code: Code, function: Function) -> Mutant | None:
    """Where a function begins: whether any test gets into it. None where nothing can be planted there."""
    places = _raised(code, function.body, function.lineno, function.lineno)
    found = next(places, None)
    return found and replace(found, when=When.REACH, what="no test gets there")


def _is_docstring(node: ast.stmt) -> bool:
    return is_text(node) and isinstance(node.value.value, str)  # type: ignore[attr-defined]


def _head(node: ast.stmt) -> ast.expr | None:
    """The expression with which a compound statement begins."""
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


def _at_import(code: Code, block: Block, line: int, hunk: int) -> Iterator[Mutant]:
    """Whether this line runs when its module is imported."""
    made = Mutant(line, hunk, "import", "no test imports it", 0, 0, "", "", When.IMPORTED)
    if block.sure:
        yield made
        return
    for node in sorted(block.body, key=lambda each: abs(each.lineno - line)):
        if isinstance(node, SIMPLE):
            start, _ = code.span(node)
            before = f"{SWITCH}({NUMBER}); "
            yield replace(made, start=start, end=start, before=before, when=When.REACH)
            return


def _at_gap(code: Code, gap: int, indent: int) -> Iterator[Mutant]:
    """Where something was taken out: an error there. Which block that was tells its indent."""
    inside = [each for each in blocks(code) if _holds(each, gap)]
    fitting = [each for each in inside if each.body[0].col_offset == indent]
    loose = [each for each in inside if each.body[0].col_offset <= indent]
    block = (fitting or loose or inside)[-1] if inside else None
    if block is None:
        return
    line = min(gap + 1, max(len(code.starts) - 1, 1))
    if block.when is When.IMPORT:
        yield from _at_import(code, block, line, -gap)
        return
    behind = [each for each in block.body if first_line(each) > gap]
    ahead = [each for each in reversed(block.body) if first_line(each) <= gap]
    nested = [each for each in (*behind, *ahead) if not isinstance(each, DEFINITIONS)]
    rest = block.owner.body if block.owner is not None else []
    for candidates in (nested, rest):
        if found := list(_raised(code, candidates, line, -gap)):
            yield from found
            return


def _holds(block: Block, gap: int) -> bool:
    """Whether a gap may be in it."""
    return first_line(block.body[0]) - 1 <= gap < block.until
