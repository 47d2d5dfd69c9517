"""Edits that leave out a copy that is made to be read once.

Each condition is asked about one edit and returns an `Answer`: None if the edit is of another kind,
an empty text if the condition holds, else the reason why that cannot be shown.
"""

import ast

from shared.behaviour.code import COMPREHENSIONS, Function, ParsedFile, same
from shared.behaviour.condition import Answer, condition
from shared.behaviour.conditions.membership import copied
from shared.behaviour.conditions.spelling import not_builtin
from shared.behaviour.effects import is_text
from shared.behaviour.evidence import CONTAINERS, evident_type
from shared.behaviour.place import Place


def counted_copy(
    node: ast.AST | None, code: ParsedFile, function: Function | None
) -> ast.expr | None:
    """Return the container whose copy a call of `len` counts; None if it is not evidently one.

    The copy is a call of `list` or `tuple`, or a list comprehension that takes every item.
    """
    call = node if isinstance(node, ast.Call) else None
    if call is None or ast.unparse(call.func) != "len" or not code.is_builtin("len"):
        return None
    if len(call.args) != 1 or call.keywords:
        return None
    inner = copied(call.args[0], code) or _taken_whole(call.args[0])
    if inner is None or evident_type(inner, code, function) not in CONTAINERS:
        return None
    return None if isinstance(inner, COMPREHENSIONS) else inner


def _taken_whole(node: ast.expr) -> ast.expr | None:
    """Return the iterable of a list comprehension that only repeats its items; else None."""
    if not isinstance(node, ast.ListComp) or len(node.generators) != 1:
        return None
    only = node.generators[0]
    if only.ifs or only.is_async or not isinstance(only.target, ast.Name):
        return None
    plain = isinstance(node.elt, ast.Name) and node.elt.id == only.target.id
    return only.iter if plain else None


def joined_copy(node: ast.AST | None, code: ParsedFile) -> ast.expr | None:
    """Return what a call such as `"".join(list(x))` copies; None if it is no such call."""
    call = node if isinstance(node, ast.Call) else None
    if call is None or not isinstance(call.func, ast.Attribute) or call.func.attr != "join":
        return None
    if not is_text(call.func.value) or len(call.args) != 1 or call.keywords:
        return None
    return copied(call.args[0], code)


@condition("what is copied to be counted is evidently a container of Python's own")
def counted_directly(place: Place) -> Answer:
    """A list, tuple, set, dict, range or text has as many items as a list made of it."""
    old, new = place.old, place.new
    if not isinstance(old, ast.Call) or not isinstance(new, ast.Call) or len(new.args) != 1:
        return None
    if not same(old.func, new.func) or new.keywords:
        return None
    inner = counted_copy(old, place.code, place.function)
    if inner is None:
        return "what is counted is not evidently a container"
    return not_builtin(place, old.func) if same(inner, new.args[0]) else None


@condition("`join` of a text literal makes that list anyway")
def joined_directly(place: Place) -> Answer:
    """`join` makes a list of what it is given before it looks at any item, unless it is one.

    So the items are drawn alike, and the same errors are raised, one of them in other words.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Call) or not isinstance(new, ast.Call) or len(new.args) != 1:
        return None
    inner = joined_copy(old, place.code)
    if inner is None or new.keywords or not same(old.func, new.func):
        return None
    if not same(inner, new.args[0]):
        return None
    made = old.args[0]
    assert isinstance(made, ast.Call)
    return not_builtin(place, made.func)
