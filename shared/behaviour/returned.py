"""What a function evidently returns, as its return annotation would say it."""

import ast
from collections.abc import Iterator, Sequence

from shared.behaviour.code import FUNCTIONS, SCOPES, ParsedFile
from shared.behaviour.evidence import BOOL, BYTES, INT, STR, evident_type

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
PLAIN = frozenset({BOOL, BYTES, INT, STR})
# Methods whose result Python itself checks.
RESULTS_OF_METHODS = {
    "__init__": "None",
    "__repr__": STR,
    "__str__": STR,
    "__len__": INT,
    "__bool__": BOOL,
}
YIELDS = (ast.Yield, ast.YieldFrom)
PLAIN_DECORATORS = frozenset({"property", "staticmethod", "classmethod"})
MAX_BODY_OF_STUB = 1
NOT_RETURNING = frozenset({"exit", "_exit", "quit", "abort", "fail", "skip", "execv", "execvp"})


def evident_return(
    node: ast.FunctionDef | ast.AsyncFunctionDef, owner: ast.AST, code: ParsedFile
) -> str:
    """Return the annotation that a function evidently deserves; empty if none is evident.

    `owner` is the node that has it in its body. A method may be overridden by one that returns
    something else, so only those count whose result Python checks.
    """
    if not all(_is_plain(each, code) for each in node.decorator_list):
        return ""
    inner = list(own_nodes(node))
    if any(isinstance(each, YIELDS) for each in inner) or _is_stub(node):
        return ""
    returns = [each for each in inner if isinstance(each, ast.Return)]
    found = _of_nothing(node, returns) or _of_values(node, returns, code)
    if isinstance(owner, ast.ClassDef) and RESULTS_OF_METHODS.get(node.name) != found:
        return _of_method(node, returns) if not found else ""
    name = "" if found == "None" else found
    return found if not name or code.is_builtin(name) else ""


def _of_method(node: ast.AST, returns: Sequence[ast.Return]) -> str:
    """Return what a method that Python checks returns, although its values do not tell."""
    name = getattr(node, "name", "")
    always = returns and all(each.value is not None for each in returns)
    result = RESULTS_OF_METHODS.get(name, "")
    return result if always and result != "None" and not _falls_through(node.body) else ""  # type: ignore[attr-defined]


def own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes in the body of a function, without those of inner functions and classes."""
    todo: list[ast.AST] = list(getattr(node, "body", ()))
    while todo:
        each = todo.pop()
        yield each
        if not isinstance(each, SCOPES):
            todo += ast.iter_child_nodes(each)


def _is_plain(decorator: ast.expr, code: ParsedFile) -> bool:
    """Return whether a decorator is Python's own and looks at nothing."""
    return code.origin(decorator) in {f"builtins.{each}" for each in PLAIN_DECORATORS}


def _is_stub(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether a function is there to be overridden, or to be filled in."""
    body = [each for each in node.body if not _is_text(each)]
    if not body or isinstance(body[-1], ast.Raise):
        return True
    only = body[0] if len(body) == MAX_BODY_OF_STUB else None
    is_ellipsis = isinstance(only, ast.Expr) and isinstance(only.value, ast.Constant)
    return isinstance(only, ast.Pass) or is_ellipsis


def _is_text(node: ast.stmt) -> bool:
    """Return whether a statement is a text, such as a docstring."""
    value = node.value if isinstance(node, ast.Expr) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)


def _of_nothing(node: ast.FunctionDef | ast.AsyncFunctionDef, returns: Sequence[ast.Return]) -> str:
    """Return `None` if a function returns, and never with a value; else empty."""
    last = node.body[-1]
    called = last.value.func if isinstance(last, ast.Expr) and _is_call(last.value) else None  # type: ignore[attr-defined]
    name = getattr(called, "attr", "") or getattr(called, "id", "")
    forever = isinstance(last, ast.While)
    if name in NOT_RETURNING or forever or any(each.value is not None for each in returns):
        return ""
    return "None" if returns or _falls_through(node.body) else ""


def _is_call(node: ast.expr) -> bool:
    """Return whether an expression is a call."""
    return isinstance(node, ast.Call)


def _of_values(
    node: ast.FunctionDef | ast.AsyncFunctionDef, returns: Sequence[ast.Return], code: ParsedFile
) -> str:
    """Return the one plain type of all that a function returns; empty if it is not evident."""
    if not returns or _falls_through(node.body):
        return ""
    assert isinstance(node, FUNCTIONS)
    types = {evident_type(each.value, code, node) for each in returns}
    return types.pop() if len(types) == 1 and types <= PLAIN else ""


def _falls_through(suite: Sequence[ast.stmt]) -> bool:
    """Return whether the end of a block may be reached."""
    last = suite[-1]
    if isinstance(last, ast.Return | ast.Raise):
        return False
    if isinstance(last, ast.If) and last.orelse:
        return _falls_through(last.body) or _falls_through(last.orelse)
    return True
