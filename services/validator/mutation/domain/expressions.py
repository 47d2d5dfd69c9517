"""The expressions of a statement, and what each of them becomes in a mutant."""

import ast
from collections.abc import Iterator, Mapping

# Calls of these only tell people something, so a mutant in their text says little.
MESSAGE_FUNCTIONS = frozenset(
    ("print", "debug", "info", "warning", "warn", "error", "exception", "critical", "log")
)
SWAPPED: Mapping[type[ast.AST], type[ast.AST]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.And: ast.Or,
    ast.Or: ast.And,
}
BOUNDARIES = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)


def one_line(node: ast.expr) -> str:
    """Return an expression's source on one line that every Python reads; empty if there is none.

    That excludes f-strings, whose inner quotes may be written in a way that only a newer Python
    reads.
    """
    if any(isinstance(each, ast.JoinedStr) for each in ast.walk(node)):
        return ""
    text = ast.unparse(ast.fix_missing_locations(node))
    return text if "\n" not in text and text.isprintable() else ""


def can_be_negated(test: ast.expr) -> bool:
    """Return true for a condition that is mutated by negating all of it, not just a part."""
    negated = isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)
    return not negated and not isinstance(test, ast.Compare | ast.Constant)


def is_message(node: ast.expr) -> bool:
    """Return true for a call that only tells people something, such as a log call."""
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    return getattr(called, "attr", getattr(called, "id", "")) in MESSAGE_FUNCTIONS


def replaceable_expressions(node: ast.stmt) -> Iterator[tuple[ast.expr, bool]]:
    """Yield the replaceable expressions of a statement's header, and if each is in a lambda's body.

    These exclude annotations, targets, patterns, parts of f-strings, and texts that only people
    read.
    """
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "targets", "target", "type_params", "pattern"}:
            continue
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, ast.stmt | ast.ExceptHandler | ast.match_case):
                continue
            if isinstance(each, ast.AST):
                in_message = isinstance(node, ast.Raise) or (
                    isinstance(each, ast.expr) and is_message(each)
                )
                yield from _below(each, lazy=False, in_message=in_message)


def _below(node: ast.AST, *, lazy: bool, in_message: bool) -> Iterator[tuple[ast.expr, bool]]:
    """Yield a node's replaceable expressions, itself included, and if each is in a lambda's body.

    `lazy` says that the node is, `in_message` that its texts are only for people.
    """
    if isinstance(node, ast.arg):
        return
    if isinstance(node, ast.expr) and _is_value(node):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if not (in_message and is_text):
            yield node, lazy
    if isinstance(node, ast.JoinedStr) or type(node).__name__ == "TemplateStr":
        return
    for name, value in ast.iter_fields(node):
        for each in value if isinstance(value, list) else [value]:
            if isinstance(each, ast.AST):
                is_lazy = lazy or (isinstance(node, ast.Lambda) and name == "body")
                yield from _below(each, lazy=is_lazy, in_message=in_message)


def _is_value(node: ast.expr) -> bool:
    """Return true if an expression is read as a value: no target, no slice, nothing starred."""
    loaded = isinstance(getattr(node, "ctx", None) or ast.Load(), ast.Load)
    return loaded and not isinstance(node, ast.Starred | ast.Slice)


def replacements(node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    """Yield (name of the mutation operator, new expression) for each that can replace this one."""
    match node:
        case ast.Compare(ops=[op, *rest]) if type(op) in SWAPPED:
            operator = "boundary" if isinstance(op, BOUNDARIES) else "comparison"
            swapped = SWAPPED[type(op)]()
            ops = [swapped, *rest]
            yield operator, ast.Compare(node.left, ops, node.comparators)  # type: ignore[arg-type]
            if operator == "boundary":
                yield "condition", ast.UnaryOp(ast.Not(), node)
        case ast.BoolOp(op=op):
            yield "boolean", ast.BoolOp(SWAPPED[type(op)](), node.values)  # type: ignore[arg-type]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield "condition", operand
        case ast.BinOp(op=op) if type(op) in SWAPPED and not _has_no_counterpart(node):
            other = SWAPPED[type(op)]()
            yield "arithmetic", ast.BinOp(node.left, other, node.right)  # type: ignore[arg-type]
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield "condition", ast.IfExp(ast.UnaryOp(ast.Not(), test), body, orelse)
        case ast.Constant(value=value):
            yield from (("constant", ast.Constant(other)) for other in _constants(value))


def _has_no_counterpart(node: ast.BinOp) -> bool:
    """Return true if another operator makes no sense: a side is a text, 0 or an empty constant."""
    return any(
        isinstance(each, ast.JoinedStr)
        or (
            isinstance(each, ast.Constant)
            and (isinstance(each.value, str | bytes) or not each.value)
        )
        for each in (node.left, node.right)
    )


def _constants(value: object) -> Iterator[complex | str | bytes]:
    """Yield the constants that can replace a value in a mutant; none for other types."""
    match value:
        case bool():
            yield not value
        case int() | float() | complex():
            yield value + 1
        case str():
            yield "" if value else "mutant"
        case bytes():
            yield b"" if value else b"mutant"
