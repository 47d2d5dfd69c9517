"""Edits that could change the order of things, above all of equal ones.

Each condition is asked about one edit and returns an `Answer`: None if the edit is of another kind,
an empty text if the condition holds, else the reason why that cannot be shown.
"""

import ast

from shared.behaviour.code import same
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.conditions.spelling import not_builtin
from shared.behaviour.effects import is_simple
from shared.behaviour.evidence import INT, PLAIN, STR, evident_type
from shared.behaviour.place import Place


@condition("the outer call only copies what is a new list or is read in order anyway")
def copied_list(place: Place) -> Answer:
    """`sorted` makes a new list of its own, so a list made of it, or for it, is the same again.

    `list(sorted(x))` is `sorted(x)`; `sorted(list(x))`, `list(list(x))` and `tuple(list(x))` draw
    the same elements once and in order. A reversed or keyed order of ties is not touched.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Call) or not isinstance(new, ast.Call):
        return None
    inner = old.args[0] if len(old.args) == 1 else None
    if not isinstance(old.func, ast.Name) or not isinstance(inner, ast.Call):
        return None
    if not isinstance(inner.func, ast.Name):
        return None
    outer_name, inner_name = old.func.id, inner.func.id
    if same(inner, new) and not old.keywords:
        if (outer_name, inner_name) != ("list", "sorted"):
            return "it is another type of sequence or in another order"
        return not_builtin(place, old.func) or not_builtin(place, inner.func)
    if (outer_name, inner_name) == ("reversed", "sorted"):
        return "elements that are equal come in another order"
    outer_kept = same(old.func, new.func) and all(map(same, old.keywords, new.keywords))
    if not outer_kept or len(old.keywords) != len(new.keywords):
        return None
    if inner.keywords or len(inner.args) != 1 or not _same_list(inner.args, new.args):
        return None
    if isinstance(inner.args[0], ast.Starred):
        return f"{place.at(inner.args[0])} may be no single argument"
    if late := _drawn_before(place, old.keywords):
        return late
    if inner_name not in {"list", "tuple"} or outer_name not in {"list", "tuple", "sorted"}:
        return f"leaving `{inner_name}` out of `{outer_name}` may change order, ties or errors"
    return not_builtin(place, old.func) or not_builtin(place, inner.func)


def _drawn_before(place: Place, keywords: list[ast.keyword]) -> str:
    """Return which keyword would now come before drawing the elements; empty if none may matter."""
    for each in keywords:
        value = each.value
        names = {node.id for node in ast.walk(value) if isinstance(node, ast.Name)}
        plain = is_simple(value) and not place.may_be_rebound(names)
        if not plain and not (isinstance(value, ast.Lambda) and _has_no_defaults(value)):
            return f"{place.at(value)} is evaluated before the elements are drawn"
    return ""


def _has_no_defaults(function: ast.Lambda) -> bool:
    """Return whether making a function evaluates nothing."""
    return not function.args.defaults and not any(function.args.kw_defaults)


def _same_list(one: list[ast.expr], other: list[ast.expr]) -> bool:
    """Return whether two lists of expressions are the same, one by one."""
    return len(one) == len(other) and all(map(same, one, other))


@condition("all values are ints or texts that the function itself made")
def extreme_of_plain_values(place: Place) -> Answer:
    """Equal ints, and equal texts, cannot be told apart, so which of two equal ones does not count.

    Nor is there a NaN among them, for which the order of comparisons would count.
    """
    old, new = place.old, place.new
    found = _choice(old) if not isinstance(old, ast.Call) else _nested(old)
    after = new.value if isinstance(old, ast.If) and isinstance(new, ast.Assign) else new
    if found is None or not isinstance(after, ast.Call) or not isinstance(after.func, ast.Name):
        return None
    name, values = found
    wanted = sorted(ast.dump(each) for each in values)
    if after.func.id != name or sorted(ast.dump(each) for each in after.args) != wanted:
        return None
    if after.keywords or (isinstance(old, ast.If) and not _same_target(old, new)):
        return None
    in_order = isinstance(old, ast.Call) and _same_list(values, after.args)
    if not in_order and not all(map(is_simple, values)):
        return "the values do more than read names, and are evaluated in another order or number"
    kinds = {evident_type(each, place.code, place.function) for each in values}
    if len(kinds) == 1 and kinds <= {INT, STR}:
        return not_builtin(place, after.func)
    if in_order and isinstance(old, ast.Call) and _compares_in_order(old):
        return not_builtin(place, after.func)
    return "the values are not evidently ints or texts, and equal ones may differ"


def _compares_in_order(call: ast.Call) -> bool:
    """Return whether nested calls of `min` or `max` compare as one call of all values does.

    That is so where each is the first argument of the one around it, and nothing is evaluated
    between the comparisons.
    """
    first, *others = call.args
    nested = isinstance(first, ast.Call) and _nested(first) is not None
    if nested and not all(map(is_simple, others)):
        return False
    if any(isinstance(each, ast.Call) for each in others):
        return False
    return not isinstance(first, ast.Call) or not nested or _compares_in_order(first)


def _same_target(old: ast.If, new: ast.AST | None) -> bool:
    """Return whether the assignment in the old `if` and the new one have the same target."""
    assigned = old.body[0]
    return (
        isinstance(new, ast.Assign)
        and isinstance(assigned, ast.Assign)
        and len(new.targets) == 1
        and all(map(same, new.targets, assigned.targets))
    )


def _choice(node: ast.AST | None) -> tuple[str, list[ast.expr]] | None:
    """Return `min` or `max` and the two values that a conditional chooses between; else None."""
    if isinstance(node, ast.IfExp):
        test, body, orelse = node.test, node.body, node.orelse
    elif isinstance(node, ast.If) and len(node.body) == 1 and not node.orelse:
        assigned = node.body[0]
        if not isinstance(assigned, ast.Assign) or len(assigned.targets) != 1:
            return None
        test, body, orelse = node.test, assigned.value, assigned.targets[0]
        if not isinstance(orelse, ast.Name):
            return None
        orelse = ast.Name(orelse.id, ast.Load())
    else:
        return None
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return None
    left, right = test.left, test.comparators[0]
    if isinstance(test.ops[0], ast.Gt | ast.GtE):
        left, right = right, left
    elif not isinstance(test.ops[0], ast.Lt | ast.LtE):
        return None
    if same(body, left) and same(orelse, right):
        return "min", [body, orelse]
    return ("max", [body, orelse]) if same(body, right) and same(orelse, left) else None


def _nested(call: ast.Call) -> tuple[str, list[ast.expr]] | None:
    """Return `min` or `max` and the arguments of a call, nested calls of the same flattened.

    Returns None for calls of other functions, and where arguments are unpacked.
    """
    if not isinstance(call.func, ast.Name) or call.func.id not in {"min", "max"} or call.keywords:
        return None
    if len(call.args) < 2:
        return None
    values: list[ast.expr] = []
    for each in call.args:
        if isinstance(each, ast.Starred):
            return None
        inner = _nested(each) if isinstance(each, ast.Call) else None
        same_name = inner is not None and inner[0] == call.func.id
        values += inner[1] if inner is not None and same_name else [each]
    return call.func.id, values


@condition("the loop over the display is over a single item")
def single_item(place: Place) -> Answer:
    """A set of one item has only one order, the one of a tuple with that item.

    The item must evidently be of a type that can be hashed, as else the set raises a TypeError.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Set) or not isinstance(new, ast.Tuple | ast.List):
        return None
    if not _same_list(old.elts, new.elts):
        return None
    parent = place.parent
    if not isinstance(parent, ast.For | ast.comprehension) or parent.iter is not old:
        return "it is more than iterated"
    if len(old.elts) == 1:
        if evident_type(old.elts[0], place.code, place.function) in PLAIN:
            return HOLDS
        return f"{place.at(old.elts[0])} is not evidently plain data, which can be hashed"
    return "a set is iterated in an order of its own, and once for equal items"
