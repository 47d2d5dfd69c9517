"""The words of the names around a place, which tell what the code there is for."""

import ast
import re
from collections.abc import Iterator

from services.agents.types.security.code import PythonCode

WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def words(name: str) -> list[str]:
    """Return the words of a name in small letters: `resetToken` and `reset_token` have two."""
    return [each.lower() for each in WORD.findall(name)]


def words_around(code: PythonCode, node: ast.AST) -> list[str]:
    """Return the words of the names that say what a node is for.

    These are what it is assigned to or passed as, the dict key that it has, and the functions and
    classes around it.
    """
    return [word for name in _names_around(code, node) for word in words(name)]


def _names_around(code: PythonCode, node: ast.AST) -> Iterator[str]:
    """Yield the names of what a node becomes, and of the functions and classes around it."""
    inner, is_value = node, True
    for outer in code.above(node):
        if is_value:
            yield from _names_given(outer, inner)
        if isinstance(outer, ast.stmt):
            is_value = False
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield outer.name
        inner = outer


def _names_given(outer: ast.AST, inner: ast.AST) -> Iterator[str]:
    """Yield the names that one node gives to the value in it."""
    if isinstance(outer, ast.Assign | ast.AnnAssign | ast.NamedExpr) and outer.value is inner:
        targets = outer.targets if isinstance(outer, ast.Assign) else [outer.target]
        yield from names_in(*targets)
    elif isinstance(outer, ast.keyword) and outer.arg:
        yield outer.arg
    elif isinstance(outer, ast.Dict):
        at = next((n for n, each in enumerate(outer.values) if each is inner), None)
        yield from names_in(outer.keys[at]) if at is not None else ()


def names_in(*nodes: ast.AST | None) -> Iterator[str]:
    """Yield the names, attributes and short texts below some nodes."""
    for root in nodes:
        for node in ast.walk(root) if root is not None else ():
            if isinstance(node, ast.Name):
                yield node.id
            elif isinstance(node, ast.Attribute):
                yield node.attr
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
