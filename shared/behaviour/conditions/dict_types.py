"""Edits that are right for dicts and sets, and not for what only looks like one.

Each condition is asked about one edit and returns an `Answer`: None if the edit is of another kind,
an empty text if the condition holds, else the reason why that cannot be shown.
"""

import ast

from shared.behaviour.code import bound_names, same, uses
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.conditions.spelling import not_builtin
from shared.behaviour.conditions.types import unless_all
from shared.behaviour.effects import is_simple
from shared.behaviour.evidence import DICT, PLAIN, SET
from shared.behaviour.place import Place

PAIR = 2


@condition("the dict is evidently one, and the key only read")
def dict_lookup(place: Place) -> Answer:
    """For a dict, `k in d.keys()` is `k in d`, and `d.get(k, None)` is `d.get(k)`.

    So is `zip(d.keys(), d.values())` the same pairs as `d.items()`. What only looks like a dict, as
    a row of a database does, may be iterated by its values, and a subclass may make missing keys.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Call):
        return None
    subject = _keys_of(old, new, place) or _default_of_get(old, new) or _zipped(old, new, place)
    if subject is None:
        return None
    named = old.func if isinstance(old.func, ast.Name) else None
    return unless_all(place, {DICT}, "a dict", subject) or (
        not_builtin(place, named) if named else HOLDS
    )


def _method(node: ast.AST | None, *names: str) -> ast.expr | None:
    """Return the object on which a method of one of these names is called without arguments."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        if node.func.attr in names and not node.args and not node.keywords:
            return node.func.value
    return None


def _keys_of(old: ast.Call, new: ast.AST | None, place: Place) -> ast.expr | None:
    """Return `d` where `d.keys()` becomes `d` in a loop or membership test; else None."""
    subject, parent = _method(old, "keys"), place.parent
    if subject is None or not same(subject, new):
        return None
    iterated = _is_iterated(place)
    membership = isinstance(parent, ast.Compare) and parent.comparators == [old]
    if membership and isinstance(parent, ast.Compare):
        membership = isinstance(parent.ops[0], ast.In | ast.NotIn)
    return subject if iterated or membership else None


def _is_iterated(place: Place) -> bool:
    """Return whether the old expression is what a loop or comprehension runs over."""
    parent = place.parent
    return isinstance(parent, ast.For | ast.comprehension) and parent.iter is place.old


def _default_of_get(old: ast.Call, new: ast.AST | None) -> ast.expr | None:
    """Return `d` where `d.get(k, None)` becomes `d.get(k)`; else None."""
    if not isinstance(new, ast.Call) or not same(old.func, new.func) or len(old.args) != PAIR:
        return None
    default, function = old.args[1], old.func
    if isinstance(old.args[0], ast.Starred):
        return None
    if not isinstance(default, ast.Constant) or default.value is not None or old.keywords:
        return None
    if not isinstance(function, ast.Attribute) or function.attr != "get" or new.keywords:
        return None
    return function.value if len(new.args) == 1 and same(old.args[0], new.args[0]) else None


def _zipped(old: ast.Call, new: ast.AST | None, place: Place) -> ast.expr | None:
    """Return `d` where a loop over `zip(d.keys(), d.values())` becomes one over `d.items()`."""
    if not isinstance(old.func, ast.Name) or old.func.id != "zip" or len(old.args) != PAIR:
        return None
    if old.keywords or not _is_iterated(place):
        return None
    keys, values = _method(old.args[0], "keys"), _method(old.args[1], "values")
    items = _method(new, "items")
    if keys is None or not same(keys, values) or not same(keys, items):
        return None
    return keys if is_simple(keys) else None


@condition("the container is evidently a dict or set, and the key only read")
def checked_removal(place: Place) -> Answer:
    """`if k in d: del d[k]` is `d.pop(k, None)` for a dict, without a look at the result.

    The key must evidently be of a type that can be hashed: an empty dict does not try that in
    `pop`. `if x in s: s.remove(x)` is `s.discard(x)` for a set. Other types may do anything in
    between.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.If) or old.orelse or len(old.body) != 1 or new is None:
        return None
    test = old.test
    if (
        not isinstance(test, ast.Compare)
        or len(test.ops) != 1
        or not isinstance(test.ops[0], ast.In)
    ):
        return None
    key, subject = ast.unparse(test.left), ast.unparse(test.comparators[0])
    pair = ast.unparse(old.body[0]), ast.unparse(new)
    forms = {
        (f"del {subject}[{key}]", f"{subject}.pop({key}, None)"): DICT,
        (f"{subject}.remove({key})", f"{subject}.discard({key})"): SET,
    }
    if pair not in forms:
        return None
    if not is_simple(test.left) or not is_simple(test.comparators[0]):
        return f"{place.at(test)} does more than read names"
    if forms[pair] == DICT and (why := unless_all(place, PLAIN, "plain data", test.left)):
        return why
    return unless_all(place, {forms[pair]}, f"a {forms[pair]}", test.comparators[0])


@condition("the dict is evidently one, and key and default are only read")
def lookup_with_default(place: Place) -> Answer:
    """`d[k] if k in d else x` is `d.get(k, x)` for a dict; `x` is evaluated in any case then.

    `k in d and d[k]` is as true as `d.get(k)`, where only the truth is asked.
    """
    old, new = place.old, place.new
    found = _conditional_lookup(old, new) or _lookup_by_and(old, new, place)
    if found is None:
        return None
    subject, key, default = found
    for each in (subject, key, default):
        if not is_simple(each):
            return f"{place.at(each)} does more than read names"
    for inner in ast.walk(default):
        if isinstance(inner, ast.Name) and not place.surely_bound(inner.id):
            return f"`{inner.id}` may have no value where the key is there"
    return unless_all(place, {DICT}, "a dict", subject)


def _conditional_lookup(
    old: ast.AST | None, new: ast.AST | None
) -> tuple[ast.expr, ast.expr, ast.expr] | None:
    """Return `d`, `k` and `x` where `d[k] if k in d else x` becomes `d.get(k, x)`; else None.

    The old form may also be an `if` statement that assigns one or the other.
    """
    if isinstance(old, ast.If) and len(old.body) == len(old.orelse) == 1:
        one, other = old.body[0], old.orelse[0]
        if not (isinstance(one, ast.Assign) and isinstance(other, ast.Assign)):
            return None
        if not isinstance(new, ast.Assign):
            return None
        targets = [ast.dump(ast.Tuple(e.targets, ast.Load())) for e in (one, other, new)]
        if len(set(targets)) != 1:
            return None
        test, value, default, after = old.test, one.value, other.value, new.value
    elif isinstance(old, ast.IfExp) and isinstance(new, ast.expr):
        test, value, default, after = old.test, old.body, old.orelse, new
    else:
        return None
    if not isinstance(test, ast.Compare) or len(test.ops) != 1:
        return None
    if isinstance(test.ops[0], ast.NotIn):
        value, default = default, value
    elif not isinstance(test.ops[0], ast.In):
        return None
    key, subject = test.left, test.comparators[0]
    texts = [ast.unparse(each) for each in (subject, key, default)]
    if ast.unparse(value) != f"{texts[0]}[{texts[1]}]":
        return None
    wanted = f"{texts[0]}.get({texts[1]}, {texts[2]})"
    return (subject, key, default) if ast.unparse(after) == wanted else None


def _lookup_by_and(
    old: ast.AST | None, new: ast.AST | None, place: Place
) -> tuple[ast.expr, ast.expr, ast.expr] | None:
    """Return `d`, `k` and the constant None where `k in d and d[k]` becomes `d.get(k)`.

    Returns None for another edit, or if more than the truth of the expression counts.
    """
    if not isinstance(old, ast.BoolOp) or len(old.values) != PAIR or new is None:
        return None
    test = old.values[0]
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not place.only_its_truth_counts:
        return None
    if not isinstance(test.ops[0], ast.In) or not isinstance(old.op, ast.And):
        return None
    key, subject = ast.unparse(test.left), ast.unparse(test.comparators[0])
    if ast.unparse(old.values[1]) != f"{subject}[{key}]":
        return None
    fits = ast.unparse(new) == f"{subject}.get({key})"
    return (test.comparators[0], test.left, ast.Constant(None)) if fits else None


@condition("the dict is evidently one, and the other name of the loop is never read")
def unused_half_of_items(place: Place) -> Answer:
    """A dict gives the same keys, and the same values, in the same order whichever way it is asked.

    So a loop over `d.items()` that never reads the key or the value may ask for the other alone.
    """
    old, new = place.old, place.new
    pairs = ast.For | ast.comprehension
    if not isinstance(old, pairs) or not isinstance(new, pairs) or type(old) is not type(new):
        return None
    subject = _method(old.iter, "items")
    if subject is None or not isinstance(old.target, ast.Tuple) or len(old.target.elts) != PAIR:
        return None
    half = _method(new.iter, "keys", "values")
    kept = old.target.elts[_method(new.iter, "values") is not None]
    dropped = next(each for each in old.target.elts if each is not kept)
    if half is None or not same(half, subject) or not same(kept, new.target):
        return None
    if not _same_rest(old, new) or not isinstance(dropped, ast.Name):
        return None
    function, name = place.function, dropped.id
    if function is None or len(uses(function, name)) + [*bound_names(function)].count(name) != PAIR:
        return f"`{name}` occurs elsewhere, or is no name of a function"
    if place.code.reads_any_name:
        return "something in the file reads names that it does not spell"
    return unless_all(place, {DICT}, "a dict", subject)


def _same_rest(old: ast.For | ast.comprehension, new: ast.For | ast.comprehension) -> bool:
    """Return whether two loops have the same body, or two comprehensions the same conditions."""
    if isinstance(old, ast.For) and isinstance(new, ast.For):
        one, other = [*old.body, *old.orelse], [*new.body, *new.orelse]
        return len(one) == len(other) and all(map(same, one, other))
    assert isinstance(old, ast.comprehension)
    assert isinstance(new, ast.comprehension)
    alike = old.is_async == new.is_async and len(old.ifs) == len(new.ifs)
    return alike and all(map(same, old.ifs, new.ifs))
