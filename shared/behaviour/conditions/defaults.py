"""Edits of defaults that all calls of a function share.

Each condition is asked about one edit and returns an `Answer`: None if the edit is of another kind,
an empty text if the condition holds, else the reason why that cannot be shown.
"""

import ast
import copy

from shared.behaviour.code import FUNCTIONS, same, uses
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.place import Place
from shared.kernel.syntax import parse

MUTABLE = (ast.List, ast.Dict, ast.Set, ast.Call, ast.ListComp, ast.DictComp, ast.SetComp)


@condition("the default is an empty display, and only ever asked for its truth")
def fresh_default(place: Place) -> Answer:
    """A default is made once and shared by all calls; what is stored in it stays.

    With `None` in its place and a new one in each call, the state is gone, and so is the error that
    an explicit `None` may have caused. Neither can be told where the function only asks for the
    truth of it: an empty one is as false as `None`, and nothing is ever put into it, returned or
    kept. Nothing in the file may read names that it does not spell.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.FunctionDef | ast.AsyncFunctionDef) or type(old) is not type(new):
        return None
    assert isinstance(new, ast.FunctionDef | ast.AsyncFunctionDef)
    changed = _changed_defaults(old, new)
    if not changed or not _only_adds_initializers(old, new, changed):
        return None
    for name, default in changed.items():
        empty = isinstance(default, ast.List) and not default.elts
        empty = empty or (isinstance(default, ast.Dict) and not default.keys)
        if not empty:
            return f"the default {place.at(default)} of `{name}` is shared by all calls"
        if used := _other_use(old, name):
            return f"`{name}` is {used}, so all calls may share what is in it"
    if place.code.reads_any_name:
        return "something in the file reads names that it does not spell"
    return HOLDS


def _defaults(function: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, ast.expr | None]:
    """Return each parameter's default by its name; None for a parameter without one."""
    positional = [*function.args.posonlyargs, *function.args.args]
    given = function.args.defaults
    found: dict[str, ast.expr | None] = dict.fromkeys(each.arg for each in positional)
    for each, value in zip(positional[len(positional) - len(given) :], given, strict=True):
        found[each.arg] = value
    for each, default in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True):
        found[each.arg] = default
    return found


def _changed_defaults(
    old: ast.FunctionDef | ast.AsyncFunctionDef, new: ast.FunctionDef | ast.AsyncFunctionDef
) -> dict[str, ast.expr]:
    """Return the mutable defaults that became None, by parameter; {} if others changed as well."""
    before, after = _defaults(old), _defaults(new)
    if before.keys() != after.keys():
        return {}
    found: dict[str, ast.expr] = {}
    for name, default in before.items():
        value = after[name]
        if default is None or same(default, value):
            continue
        is_none = isinstance(value, ast.Constant) and value.value is None
        if not isinstance(default, MUTABLE) or not is_none:
            return {}
        found[name] = default
    return found


def _only_adds_initializers(
    old: ast.FunctionDef | ast.AsyncFunctionDef,
    new: ast.FunctionDef | ast.AsyncFunctionDef,
    changed: dict[str, ast.expr],
) -> bool:
    """Return whether only the defaults changed, and `if x is None: x = default` came in front."""
    expected = {
        ast.dump(parse(f"if {name} is None:\n    {name} = {ast.unparse(value)}").body[0])
        for name, value in changed.items()
    }
    added = {ast.dump(each) for each in new.body} & expected
    rest = [each for each in new.body if ast.dump(each) not in expected]
    if added != expected or len(new.body) - len(rest) != len(changed):
        return False
    wanted = copy.copy(new)
    wanted.body, wanted.args = rest, copy.copy(new.args)
    wanted.args.defaults, wanted.args.kw_defaults = old.args.defaults, old.args.kw_defaults
    return same(old, wanted)


def _other_use(function: ast.AST, name: str) -> str:
    """Return what is done with a parameter besides asking for its truth; empty if nothing."""
    parents = {c: p for p in ast.walk(function) for c in ast.iter_child_nodes(p)}
    for node in uses(function, name):
        parent = parents[node]
        if not isinstance(node.ctx, ast.Load):
            return "assigned"
        if any(isinstance(each, FUNCTIONS) for each in _above(node, parents, function)):
            return "kept by a function inside"
        asked = isinstance(parent, ast.If | ast.While | ast.IfExp) and parent.test is node
        if not asked and not (isinstance(parent, ast.UnaryOp) and isinstance(parent.op, ast.Not)):
            return "used for more than its truth"
    return ""


def _above(node: ast.AST, parents: dict[ast.AST, ast.AST], top: ast.AST) -> list[ast.AST]:
    """Return the nodes around `node` and below `top`, the innermost first."""
    found = []
    while (node := parents[node]) is not top:
        found.append(node)
    return found
