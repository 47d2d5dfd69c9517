"""Edits after which the same thing is spelled otherwise, given what the names in it mean.

Each condition is asked about one edit and returns an `Answer`: None if the edit is of another kind,
an empty text if the condition holds, else the reason why that cannot be shown.
"""

import ast
import keyword
from collections.abc import Sequence
from decimal import InvalidOperation

from shared.behaviour.code import bound_names, same
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.constants import compute
from shared.behaviour.effects import is_simple
from shared.behaviour.place import Place

# Longer displays are built piece by piece, so that elements are hashed between evaluations.
MAX_DISPLAY_ITEMS = 30
SEQUENCES = (ast.List, ast.Tuple)


def _call_of_builtin(place: Place, *names: str) -> ast.Call | None:
    """Return the old node if it is a call of a name among these, as of a builtin; else None."""
    old = place.old
    if isinstance(old, ast.Call) and isinstance(old.func, ast.Name) and old.func.id in names:
        return old
    return None


def not_builtin(place: Place, node: ast.AST) -> Answer:
    """Return why a name may not mean Python's own builtin; `HOLDS` if it does."""
    name = node.id if isinstance(node, ast.Name) else ""
    if place.is_builtin(name):
        return HOLDS
    return f"`{name}` may be something else than Python's own"


@condition("the name called is Python's own, and all items are evaluated before any is hashed")
def display(place: Place) -> Answer:
    """`list([a, b])` builds the items in order and puts them into a new list, as `[a, b]` does.

    The same goes for tuples, dicts and sets, whose items are hashed after all were evaluated; that
    is so in displays of at most thirty items without unpacking, or where evaluating does nothing.
    """
    old, new = _call_of_builtin(place, "list", "tuple", "set", "dict"), place.new
    if old is None or not _is_display_of(old, new):
        return None
    if place.in_class and any((each.arg or "").startswith("__") for each in old.keywords):
        return "a keyword is mangled inside a class"
    many = isinstance(new, ast.Set | ast.Dict) and not _hashed_last(new)
    return "items are hashed between evaluations" if many else not_builtin(place, old.func)


def _hashed_last(node: ast.Set | ast.Dict) -> bool:
    """Return whether no item of a display is hashed between evaluations that have effects."""
    if isinstance(node, ast.Set):
        items: list[ast.expr | None] = list(node.elts)
    else:
        items = [*node.keys, *node.values]
    if all(each is not None and is_simple(each) for each in items):
        return True
    starred = any(each is None or isinstance(each, ast.Starred) for each in items)
    return not starred and len(items) <= MAX_DISPLAY_ITEMS


def _is_display_of(call: ast.Call, new: ast.AST | None) -> bool:
    """Return whether a display is what a call such as `list([a, b])` or `dict(a=b)` makes."""
    assert isinstance(call.func, ast.Name)
    name, inner = call.func.id, call.args[0] if len(call.args) == 1 else None
    if inner is None:
        return not call.args and _is_display_of_keywords(name, call, new)
    if call.keywords:
        return False
    if name == "dict":
        return same(inner, new) if isinstance(inner, ast.Dict) else _is_dict_of_pairs(inner, new)
    if name == "list" and isinstance(inner, ast.ListComp):
        return same(inner, new)
    if not isinstance(inner, SEQUENCES):
        return False
    if isinstance(new, ast.Call):
        # There is no display of an empty set.
        plain = same(call.func, new.func) and not new.args and not new.keywords
        return name == "set" and not inner.elts and plain
    if not isinstance(new, ast.List | ast.Tuple | ast.Set):
        return False
    return type(new).__name__.lower() == name and same_items(inner.elts, new.elts)


def _is_display_of_keywords(name: str, call: ast.Call, new: ast.AST | None) -> bool:
    """Return whether a display is what `name()` makes, or `dict` with keywords alone."""
    if name != "dict":
        if call.keywords or not isinstance(new, SEQUENCES):
            return False
        return type(new).__name__.lower() == name and not new.elts
    if not isinstance(new, ast.Dict) or len(new.keys) != len(call.keywords):
        return False
    pairs = zip(call.keywords, new.keys, new.values, strict=True)
    return all(
        isinstance(key, ast.Constant)
        and each.arg is not None
        and each.arg == key.value
        and same(each.value, value)
        for each, key, value in pairs
    )


def _is_dict_of_pairs(inner: ast.expr, new: ast.AST | None) -> bool:
    """Return whether a dict display has the items of a list or tuple of pairs."""
    if not isinstance(inner, SEQUENCES) or not isinstance(new, ast.Dict):
        return False
    if len(inner.elts) != len(new.keys):
        return False
    for pair, key, value in zip(inner.elts, new.keys, new.values, strict=True):
        if not isinstance(pair, SEQUENCES) or len(pair.elts) != 2:
            return False
        if not same(pair.elts[0], key) or not same(pair.elts[1], value):
            return False
    return True


def same_items(one: Sequence[ast.AST], other: Sequence[ast.AST]) -> bool:
    """Return whether two lists of nodes are the same, one by one."""
    return len(one) == len(other) and all(map(same, one, other))


@condition("`getattr` and `setattr` are Python's own, and the name is not mangled")
def attribute_by_name(place: Place) -> Answer:
    """`getattr(x, "name")` is defined as `x.name`, and `setattr(x, "name", v)` as `x.name = v`.

    An assignment evaluates `v` before `x`, so one of them must only read a name or constant, and
    the other bind no such name.
    """
    old, new = place.old, place.new
    call, target = old, new
    value: ast.expr | None = None
    if isinstance(old, ast.Expr) and isinstance(new, ast.Assign) and len(new.targets) == 1:
        call, target, value = old.value, new.targets[0], new.value
    if not isinstance(call, ast.Call) or not isinstance(target, ast.Attribute):
        return None
    if not isinstance(call.func, ast.Name) or call.keywords:
        return None
    wanted = [target.value, ast.Constant(target.attr), *([value] if value else [])]
    name = "setattr" if value else "getattr"
    if call.func.id != name or not same_items(call.args, wanted):
        return None
    if place.in_class and target.attr.startswith("__"):
        return f"`{target.attr}` is mangled inside a class"
    if value is not None and (why := _order_reason(place, target.value, value)):
        return why
    return not_builtin(place, call.func)


def _order_reason(place: Place, one: ast.expr, other: ast.expr) -> str:
    """Return why the order of evaluating two expressions may count; empty if it cannot."""
    if is_simple(one) and is_simple(other):
        return ""
    if not is_simple(one) and not is_simple(other):
        return "the object and the value are evaluated in the other order"
    simple, first = (one, other) if is_simple(one) else (other, one)
    names = {node.id for node in ast.walk(simple) if isinstance(node, ast.Name)}
    if not names.isdisjoint(bound_names(first)) or place.may_be_rebound(names):
        return "the one is evaluated before the other, and may bind its name"
    return ""


@condition("the unpacked dict is written out, with string keys that are plain keywords")
def unpacked_display(place: Place) -> Answer:
    """`f(**{"a": x})` passes the keywords that `f(a=x)` does, evaluated in the same order.

    `{**{"a": x}, "b": y}` evaluates and inserts the same keys in the same order as without the
    inner display, if nothing is evaluated after keys of it that may not be hashable. Keywords that
    begin with two underscores are mangled inside a class.
    """
    old, new = place.old, place.new
    if isinstance(old, ast.Call) and isinstance(new, ast.Call):
        if not same(old.func, new.func) or not same_items(old.args, new.args):
            return None
        flat = _flat_keywords(old)
        if flat is None or len(flat) != len(new.keywords):
            return None
        if not all(map(same, flat, new.keywords)):
            return None
        mangled = place.in_class and any((each.arg or "").startswith("__") for each in flat)
        return "a keyword is mangled inside a class" if mangled else HOLDS
    if isinstance(old, ast.Dict) and isinstance(new, ast.Dict):
        pairs = _flat_pairs(old)
        if not _same_pairs(pairs, _flat_pairs(new)):
            return None
        plain = all(key is None or isinstance(key, ast.Constant) for key, _ in pairs)
        late = plain or all(map(is_simple, _after_displays(old)))
        return HOLDS if late else "values are evaluated after keys of the inner display are hashed"
    return None


def _after_displays(node: ast.Dict) -> list[ast.expr]:
    """Return the keys and values behind the first unpacked display of a dict, in it included."""
    pairs = [*zip(node.keys, node.values, strict=True)]
    inner = [
        n for n, (key, value) in enumerate(pairs) if key is None and isinstance(value, ast.Dict)
    ]
    rest = pairs[inner[0] + 1 :] if inner else pairs
    return [each for pair in rest for each in pair if each is not None]


def _flat_keywords(call: ast.Call) -> list[ast.keyword] | None:
    """Return the keywords of a call with unpacked dict displays written out.

    Returns None where there is none to write out, or a key is not plainly a keyword.
    """
    found, changed = [], False
    for each in call.keywords:
        if each.arg is not None or not isinstance(each.value, ast.Dict):
            found.append(each)
            continue
        changed = True
        for key, value in zip(each.value.keys, each.value.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                if not key.value.isidentifier() or keyword.iskeyword(key.value):
                    return None
                found.append(ast.keyword(key.value, value))
            else:
                return None
    return found if changed else None


def _flat_pairs(node: ast.Dict) -> list[tuple[ast.expr | None, ast.expr]]:
    """Return keys and values of a dict, unpacked displays included; the key of `**x` is None."""
    found: list[tuple[ast.expr | None, ast.expr]] = []
    for key, value in zip(node.keys, node.values, strict=True):
        if key is None and isinstance(value, ast.Dict):
            found += _flat_pairs(value)
        else:
            found.append((key, value))
    return found


def _same_pairs(
    one: list[tuple[ast.expr | None, ast.expr]], other: list[tuple[ast.expr | None, ast.expr]]
) -> bool:
    """Return whether two lists of keys and values are the same, one by one."""
    if len(one) != len(other):
        return False
    return all(same(a[0], b[0]) and same(a[1], b[1]) for a, b in zip(one, other, strict=True))


@condition("the constant on the left is text, bytes, an int or None")
def mirrored_comparison(place: Place) -> Answer:
    """`"a" == x` asks `"a"` first, which has no answer for anything but text, and then `x`.

    For text itself both orders compare the same values, and a subclass with a comparison of its own
    is asked first in either order. The same goes for the other operators with their mirror images,
    and for bytes, ints and None.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Compare) or not isinstance(new, ast.Compare):
        return None
    if len(old.ops) != 1 or len(new.ops) != 1:
        return None
    if not same(old.left, new.comparators[0]) or not same(old.comparators[0], new.left):
        return None
    if MIRRORED.get(type(old.ops[0])) is not type(new.ops[0]):
        return None
    if isinstance(old.left, ast.Constant) and type(old.left.value) in {str, bytes, int, type(None)}:
        return HOLDS
    return f"{place.at(old.left)} may be of a type that compares otherwise when it is asked first"


MIRRORED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.Eq,
    ast.NotEq: ast.NotEq,
    ast.Lt: ast.Gt,
    ast.Gt: ast.Lt,
    ast.LtE: ast.GtE,
    ast.GtE: ast.LtE,
}


@condition("the constants give equal values of the same type when they are computed")
def computed_constant(place: Place) -> Answer:
    """Both sides are made of literals only, so they are computed here and compared.

    That covers `"a b".split()`, conversions such as `int("1")`, the encoding of literals, and
    `Decimal("1")`, as long as the names in it are Python's own.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Call) or new is None:
        return None
    try:
        one, other = compute(old, place.code), compute(new, place.new_code)
    except (ValueError, TypeError, LookupError, InvalidOperation, OverflowError):
        return None
    if type(one) is not type(other):
        return None
    return HOLDS if one == other and repr(one) == repr(other) else None
