"""Edits after which an object may end earlier, as no name holds it any more.

Each condition is asked about one edit and returns an `Answer`: None if the edit is of another kind,
an empty text if the condition holds, else the reason why that cannot be shown.
"""

import ast

from shared.behaviour.code import bound_names, same, uses
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.effects import is_simple
from shared.behaviour.evidence import PLAIN, RANGE, evident_type
from shared.behaviour.place import Place

# Values whose end nobody can notice.
HARMLESS = PLAIN | {RANGE}


@condition("the value is plain data, whose end nobody notices")
def unused_name(place: Place) -> Answer:
    """A local name keeps its value alive until the function ends, or the name is bound again.

    Numbers, texts and None do nothing when they end. So the name may go where the value is
    evidently one of these, the name is bound nowhere else in the function and read nowhere, and
    nothing in the file reads names that it does not spell. What is evaluated stays evaluated,
    unless it only reads.
    """
    if place.old is None or not isinstance(place.old, ast.Assign | ast.AnnAssign):
        return None
    old, function = place.old, place.function
    target = old.targets[0] if isinstance(old, ast.Assign) else old.target
    if not isinstance(target, ast.Name) or (isinstance(old, ast.Assign) and len(old.targets) > 1):
        return None
    if old.value is None or not _is_dropped(place, old.value):
        return None
    if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
        return f"`{target.id}` is no name of a function"
    if place.code.reads_any_name or target.id.startswith("__"):
        return "something in the file reads names that it does not spell"
    if list(bound_names(function)).count(target.id) != 1 or len(uses(function, target.id)) != 1:
        return f"`{target.id}` occurs elsewhere in the function"
    if evident_type(old.value, place.code, function) in HARMLESS:
        return HOLDS
    return f"what {place.at(old.value)} gives may have to live as long as the name `{target.id}`"


def _is_dropped(place: Place, value: ast.expr) -> bool:
    """Return whether an assigned value stays as a statement, or is dropped and only reads names."""
    if len(place.after) == 1:
        left = place.new
        if isinstance(left, ast.Pass):
            return is_simple(value)
        return isinstance(left, ast.Expr) and same(left.value, value)
    return not place.after and is_simple(value)


@condition("the name is bound nowhere else in the function")
def unused_exception(place: Place) -> Answer:
    """An exception lives while its handler runs, whether or not it has a name there.

    The name is unbound when the handler ends; nobody notices if nothing else in the function binds
    or reads it, and nothing in the file reads names that it does not spell.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.ExceptHandler) or not isinstance(new, ast.ExceptHandler):
        return None
    if old.name is None or new.name is not None or not same(old.type, new.type):
        return None
    if len(old.body) != len(new.body) or not all(map(same, old.body, new.body)):
        return None
    function = place.function
    if function is None:
        return f"`{old.name}` is no name of a function"
    names = [*bound_names(function)] + [
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    ]
    if names.count(old.name) != 1:
        return f"`{old.name}` occurs elsewhere in the function"
    if place.code.reads_any_name:
        return "something in the file reads names that it does not spell"
    return HOLDS


@condition("the file is opened by Python's own `open` in the same statement")
def unused_context(place: Place) -> Answer:
    """A file that `open` gives is its own context manager, which the statement keeps alive.

    So the name beside it changes nothing, if it is bound nowhere else and read nowhere.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.withitem) or not isinstance(new, ast.withitem):
        return None
    if not isinstance(old.optional_vars, ast.Name) or new.optional_vars is not None:
        return None
    if not same(old.context_expr, new.context_expr):
        return None
    function, name = place.function, old.optional_vars.id
    call = old.context_expr
    if not isinstance(call, ast.Call) or ast.unparse(call.func) != "open":
        return f"what {place.at(call)} gives may have to live as long as the name `{name}`"
    if not place.is_builtin("open"):
        return f"what {place.at(call)} gives may have to live as long as the name `{name}`"
    if (
        function is None
        or len(uses(function, name)) != 1
        or [*bound_names(function)].count(name) > 1
    ):
        return f"`{name}` occurs elsewhere, or is no name of a function"
    if place.code.reads_any_name:
        return "something in the file reads names that it does not spell"
    return HOLDS
