"""What evaluating an expression may do besides giving its value."""

import ast

from shared.behaviour.code import COMPREHENSIONS, ParsedFile

CALLING = (ast.Call, ast.Await, ast.Yield, ast.YieldFrom, ast.NamedExpr, ast.Starred)
SILENT_COMPARISONS = (ast.Is, ast.IsNot)
ARGUMENTS_OF_ISINSTANCE = 2


def is_simple(node: ast.AST) -> bool:
    """Return whether evaluating it only reads names and constants."""
    if isinstance(node, ast.Tuple):
        return all(map(is_simple, node.elts))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = node.operand.value if isinstance(node.operand, ast.Constant) else None
        return isinstance(value, int | float | complex)
    return isinstance(node, ast.Name | ast.Constant)


def is_read(node: ast.AST) -> bool:
    """Return whether evaluating it only reads names, constants, attributes and constant items."""
    if isinstance(node, ast.Attribute):
        return is_read(node.value)
    if isinstance(node, ast.Subscript):
        return is_read(node.value) and is_simple(node.slice)
    return is_simple(node)


def is_text(node: ast.AST) -> bool:
    """Return whether it is a text literal."""
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def calls(*roots: ast.AST) -> str:
    """Return 60 characters of the first call, `await` or the like in the roots; empty if none."""
    for root in roots:
        for node in ast.walk(root):
            if isinstance(node, CALLING):
                return ast.unparse(node)[:60]
    return ""


def cannot_raise(node: ast.AST, code: ParsedFile) -> bool:
    """Return whether evaluating it neither raises nor calls anything of the program's own.

    Names are taken to be bound. Asking for truth may call `__bool__`, so `not`, `and` and `or` are
    only allowed over comparisons by identity and calls of `isinstance` with builtin types.
    """
    if is_simple(node):
        return True
    if isinstance(node, ast.Compare):
        sides = (node.left, *node.comparators)
        return all(isinstance(op, SILENT_COMPARISONS) for op in node.ops) and all(
            map(is_simple, sides)
        )
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return _is_silent_test(node.operand, code)
    if isinstance(node, ast.BoolOp):
        return all(_is_silent_test(each, code) for each in node.values)
    return _is_isinstance_of_builtins(node, code)


def _is_silent_test(node: ast.AST, code: ParsedFile) -> bool:
    """Return whether it is a comparison or type test whose truth is a plain bool."""
    return not is_simple(node) and cannot_raise(node, code)


def _is_isinstance_of_builtins(node: ast.AST, code: ParsedFile) -> bool:
    """Return whether it is `isinstance` of a name or constant, with builtin types only."""
    if not isinstance(node, ast.Call) or code.origin(node.func) != "builtins.isinstance":
        return False
    if len(node.args) != ARGUMENTS_OF_ISINSTANCE or node.keywords or not is_simple(node.args[0]):
        return False
    types = node.args[1].elts if isinstance(node.args[1], ast.Tuple) else [node.args[1]]
    return all(code.origin(each) in TYPES for each in types)


TYPES = frozenset(
    f"builtins.{name}"
    for name in [
        "bool",
        "bytes",
        "bytearray",
        "complex",
        "dict",
        "float",
        "frozenset",
        "int",
        "list",
        "set",
        "str",
        "tuple",
    ]
)


def comprehension_parts(node: ast.AST) -> list[ast.expr]:
    """Return the elements of a comprehension (or key and value), then its conditions."""
    assert isinstance(node, COMPREHENSIONS)
    made = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
    return [*made, *(test for each in node.generators for test in each.ifs)]


def outer_iterables(node: ast.AST) -> list[ast.expr]:
    """Return the iterables of the loops of a comprehension, the outermost first."""
    assert isinstance(node, COMPREHENSIONS)
    return [each.iter for each in node.generators]
