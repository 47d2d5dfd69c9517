"""What a name or attribute was made by, as far as the file shows it."""

import ast
from collections.abc import Iterator

from services.agents.types.security.code import PythonCode

MAX_STEPS = 6
# Gives what it is given.
CLOSING = "contextlib.closing"


def made_by(code: PythonCode, node: ast.AST, steps: int = MAX_STEPS) -> set[str]:
    """Return the dotted origins of what makes a value; an empty text stands for anything unknown.

    `sqlite3.connect(p).cursor()` is made by `sqlite3.connect.cursor`. A name is followed to all of
    its assignments in its function, else in the module; `self.x` to those in its class. What is
    annotated as an instance of a class is made by it.
    """
    if steps == 0:
        return {""}
    if isinstance(node, ast.Await):
        return made_by(code, node.value, steps)
    if isinstance(node, ast.Call):
        return _made_by_call(code, node, steps)
    if isinstance(node, ast.Name):
        return _made_by_values(code, _values_of_name(code, node), steps)
    if _is_own_attribute(node):
        assert isinstance(node, ast.Attribute)
        return _made_by_values(code, _values_of_attribute(code, node), steps)
    return {""}


def _made_by_call(code: PythonCode, call: ast.Call, steps: int) -> set[str]:
    """Return what makes the value of a call: a function, or a method of something made."""
    origin = code.origin(call.func)
    if origin == CLOSING and len(call.args) == 1:
        return made_by(code, call.args[0], steps - 1)
    if origin:
        return {origin}
    if isinstance(call.func, ast.Name):
        return _made_by_function(code, call.func.id, steps)
    if not isinstance(call.func, ast.Attribute):
        return {""}
    if _is_own_attribute(call.func):
        return _made_by_own_method(code, call.func, steps)
    inner = made_by(code, call.func.value, steps - 1)
    return {f"{each}.{call.func.attr}" if each else "" for each in inner}


def _made_by_function(code: PythonCode, name: str, steps: int) -> set[str]:
    """Return what makes the values that a function of the module returns; empty for any other."""
    named = [each for each in code.tree.body if getattr(each, "name", "") == name]
    if len(named) != 1 or not isinstance(named[0], ast.FunctionDef | ast.AsyncFunctionDef):
        return {""}
    return _made_by_returned(code, named[0], steps)


def _made_by_own_method(code: PythonCode, method: ast.Attribute, steps: int) -> set[str]:
    """Return what makes the values that a method of the class around its call returns."""
    owner = next((e for e in code.above(method) if isinstance(e, ast.ClassDef)), None)
    named = [e for e in owner.body if getattr(e, "name", "") == method.attr] if owner else []
    if len(named) != 1 or not isinstance(named[0], ast.FunctionDef | ast.AsyncFunctionDef):
        return {""}
    return _made_by_returned(code, named[0], steps)


def _made_by_returned(
    code: PythonCode, function: ast.FunctionDef | ast.AsyncFunctionDef, steps: int
) -> set[str]:
    """Return what makes the values that a function returns."""
    if function.decorator_list:
        return {""}
    returned = [
        each.value
        for each in ast.walk(function)
        if isinstance(each, ast.Return) and code.function_around(each) is function
    ]
    return _made_by_values(code, list(returned), steps - 1)


def _made_by_values(code: PythonCode, values: list[ast.AST | None], steps: int) -> set[str]:
    """Return what makes one of several values; None among them is an unknown one."""
    found: set[str] = set()
    for each in values or [None]:
        if each is None:
            found.add("")
        elif isinstance(each, Annotation):
            found.add(code.origin(each.node))
        elif not (isinstance(each, ast.Constant) and each.value is None):
            found |= made_by(code, each, steps - 1)
    return found


class Annotation(ast.AST):
    """Stands for a value of which only the annotation is known."""

    def __init__(self, node: ast.AST) -> None:
        super().__init__()
        self.node = node


def _values_of_name(code: PythonCode, name: ast.Name) -> list[ast.AST | None]:
    """Return all values that a name is given in its function, else in the module."""
    function = code.function_around(name)
    scopes: list[ast.AST] = [function] if function else []
    for scope in (*scopes, code.tree):
        if found := [*_values_in(code, scope, name.id)]:
            return found
    return []


def _values_in(code: PythonCode, scope: ast.AST, name: str) -> Iterator[ast.AST | None]:
    """Yield the values that a name is given directly in one scope; None for an unknown one."""
    for node in ast.walk(scope):
        if isinstance(node, ast.arg) and node.arg == name and node in _parameters(scope):
            yield Annotation(node.annotation) if node.annotation else None
        elif _binds(node, name) and code.scope_of(node) is scope:
            yield _value_given(code, node)
        elif _binds_otherwise(node, name):
            yield None


def _binds_otherwise(node: ast.AST, name: str) -> bool:
    """Return whether a node is a definition, import, capture or `global` statement of a name."""
    if isinstance(node, ast.Global | ast.Nonlocal):
        return name in node.names
    if isinstance(node, ast.alias):
        return name in {node.asname, node.name.partition(".")[0]}
    return not isinstance(node, ast.expr) and getattr(node, "name", None) == name


def _binds(node: ast.AST, name: str) -> bool:
    """Return whether a node binds or unbinds a name."""
    return isinstance(node, ast.Name) and node.id == name and not isinstance(node.ctx, ast.Load)


def _parameters(scope: ast.AST) -> list[ast.arg]:
    """Return the parameters of a function; none of a module."""
    if not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
        return []
    return [each for each in ast.walk(scope.args) if isinstance(each, ast.arg)]


def _value_given(code: PythonCode, target: ast.AST) -> ast.AST | None:
    """Return the value that a target is given by the node around it; None if it is not known."""
    outer = code.parents[target]
    if isinstance(outer, ast.Assign) and target in outer.targets:
        return outer.value
    if isinstance(outer, ast.AnnAssign | ast.NamedExpr) and outer.target is target:
        return outer.value
    if isinstance(outer, ast.withitem) and outer.optional_vars is target:
        return outer.context_expr
    return None


def _is_own_attribute(node: ast.AST) -> bool:
    """Return whether a node is an attribute of `self`."""
    is_attribute = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    return is_attribute and node.value.id == "self"  # type: ignore[attr-defined]


def _values_of_attribute(code: PythonCode, node: ast.Attribute) -> list[ast.AST | None]:
    """Return all values that an attribute of `self` is given in the class around it."""
    owner = next((e for e in code.above(node) if isinstance(e, ast.ClassDef)), None)
    if owner is None:
        return []
    return [
        _value_given(code, each)
        for each in ast.walk(owner)
        if isinstance(each, ast.Attribute)
        and not isinstance(each.ctx, ast.Load)
        and each.attr == node.attr
        and _is_own_attribute(each)
    ]
