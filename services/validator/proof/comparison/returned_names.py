"""Values that are returned by way of a name: `x = value` before `return x`."""

from __future__ import annotations

import ast

Function = (ast.FunctionDef, ast.AsyncFunctionDef)
# What may read a name of the function without spelling it.
READS_ANY_NAME = frozenset({"locals", "vars", "dir", "eval", "exec", "_getframe", "currentframe"})
# Inside these, code of the function may still run after its return statement has begun.
OUTLIVED = (ast.Try, ast.With, ast.AsyncWith, *filter(None, [getattr(ast, "TryStar", None)]))


def returned_directly(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Spell `x = value` before `return x` as `return value`; return true if any was changed.

    That is the same where nothing else can see `x`: it is a name of this function that occurs in
    such pairs only, so it has no value before, and no closure, `global`, `del` or later statement
    has to do with it; nothing in the function reads names that are not spelled; and no `finally`,
    handler or context manager of the function runs after the assignment, during which `x` would
    keep the value alive. The function ends right after the pair in both spellings, and returns the
    same object.
    """
    pairs = list(_pairs(function.body))
    names = {pair.name for pair in pairs}
    if not names or _reads_any_name(function):
        return False
    uses = _uses(function)
    changed = False
    for name in names:
        mine = [pair for pair in pairs if pair.name == name]
        if uses.get(name, 0) == 2 * len(mine):
            changed = True
            for pair in mine:
                pair.unify()
    return changed


class _Pair:
    """An assignment and the return statement behind it, in a list of statements."""

    def __init__(self, suite: list[ast.stmt], assigned: ast.Assign, name: str) -> None:
        self.suite = suite
        self.assigned = assigned
        self.name = name

    def unify(self) -> None:
        """Replace the assignment and the `return` behind it by a `return` of the value."""
        place = self.suite.index(self.assigned)
        returned = ast.copy_location(ast.Return(self.assigned.value), self.assigned)
        self.suite[place : place + 2] = [returned]


def _pairs(suite: list[ast.stmt]) -> list[_Pair]:
    """Return the pairs in a function's own statements, outside of those that outlive a return."""
    found = []
    for first, second in zip(suite, suite[1:]):  # noqa: B905, RUF007 - also for Python 3.8
        returned = second.value if isinstance(second, ast.Return) else None
        if not isinstance(first, ast.Assign) or not isinstance(returned, ast.Name):
            continue
        if _assigned_name(first) == returned.id:
            found.append(_Pair(suite, first, returned.id))
    for each in suite:
        if isinstance(each, (*Function, ast.ClassDef, *OUTLIVED)):
            continue
        for field in ("body", "orelse"):
            found += _pairs(getattr(each, field, []))
    return found


def _assigned_name(node: ast.Assign) -> str:
    """Return the name that an assignment sets; empty if it sets several or no name."""
    target = node.targets[0] if len(node.targets) == 1 else None
    return target.id if isinstance(target, ast.Name) else ""


def _uses(function: ast.AST) -> dict[str, int]:
    """Return how often each name occurs in a function, whatever for."""
    found: dict[str, int] = {}
    for node in ast.walk(function):
        for field in ("id", "arg", "name", "names", "rest", "asname"):
            value = getattr(node, field, None)
            for name in value if isinstance(value, list) else [value]:
                if isinstance(name, str):
                    found[name] = found.get(name, 0) + 1
    return found


def _reads_any_name(function: ast.AST) -> bool:
    """Return true if a function may read its local names without spelling them."""
    for node in ast.walk(function):
        names = {getattr(node, "id", None), getattr(node, "attr", None)}
        if not READS_ANY_NAME.isdisjoint(names):
            return True
    return False
