"""Edits after which less, or later, or in another order, is evaluated.

Each condition is asked about one edit and returns an `Answer`: None if the edit is of another kind,
an empty text if the condition holds, else the reason why that cannot be shown.
"""

import ast

from shared.behaviour.code import same
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.conditions.spelling import not_builtin, same_items
from shared.behaviour.effects import (
    calls,
    cannot_raise,
    comprehension_parts,
    is_read,
    is_simple,
    is_text,
    outer_iterables,
)
from shared.behaviour.evidence import CONTAINERS, evident_type
from shared.behaviour.format_fields import fields_of, keys_of_percent
from shared.behaviour.place import Place


@condition("no element can have an effect or raise, and what they are drawn from is no iterator")
def short_circuit(place: Place) -> Answer:
    """`all` and `any` stop at the first element that decides, which a list made before does not.

    Nobody can tell whether the remaining elements were computed if that neither calls nor raises:
    they only read names and constants, compare by identity, or ask `isinstance` of builtin types.
    Nor is anything left undrawn that others could see if the loops run over containers that the
    function itself made.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.ListComp | ast.SetComp) or not isinstance(new, ast.GeneratorExp):
        return None
    call = place.parent
    if not isinstance(call, ast.Call) or call.args != [old] or not isinstance(call.func, ast.Name):
        return None
    if call.func.id not in {"all", "any"} or call.keywords:
        return None
    if not same(old.elt, new.elt) or not same_items(old.generators, new.generators):
        return None
    return _short_circuit_reason(place, old) or not_builtin(place, call.func)


def _short_circuit_reason(place: Place, made: ast.ListComp | ast.SetComp) -> str:
    """Return why not computing the later elements may be noticed; empty if it cannot be."""
    if isinstance(made, ast.SetComp):
        return "the elements of a set are hashed, and drawn in another order"
    for part in comprehension_parts(made):
        if not cannot_raise(part, place.code):
            done = calls(part)
            what = f"call `{done}`, which may have effects" if done else "may raise"
            return f"the elements {place.at(part)} {what}"
    for each in made.generators:
        if each.is_async or not isinstance(each.target, ast.Name):
            return f"{place.at(each.target)} may raise or have effects"
    for number, source in enumerate(outer_iterables(made)):
        if number and not is_simple(source):
            return f"{place.at(source)} is evaluated less often"
        if evident_type(source, place.code, place.function) not in CONTAINERS:
            return f"{place.at(source)} may be an iterator that others draw from"
    return ""


@condition("the arguments that are no longer evaluated only read names and constants")
def dropped_arguments(place: Place) -> Answer:
    """Leaving out an argument that a format does not use also leaves out its evaluation.

    Reading a name or a constant has no effect.
    """
    old, new = place.old, place.new
    if isinstance(old, ast.BinOp) and isinstance(new, ast.BinOp):
        return _dropped_keys(old, new)
    if not isinstance(old, ast.Call) or not isinstance(new, ast.Call):
        return None
    if not isinstance(old.func, ast.Attribute) or old.func.attr != "format":
        return None
    if not is_text(old.func.value) or not same(old.func, new.func):
        return None
    fields = fields_of(str(old.func.value.value))  # type: ignore[attr-defined]
    unpacked = [*(each for each in old.args if isinstance(each, ast.Starred))]
    if fields is None or unpacked or any(each.arg is None for each in old.keywords):
        return "which arguments the format uses cannot be told"
    gone = _gone(old.args, new.args)
    gone_keywords = _gone(old.keywords, new.keywords)
    if gone is None or gone_keywords is None:
        return None
    values = [*gone, *(each.value for each in gone_keywords if isinstance(each, ast.keyword))]
    if gone and gone != old.args[len(new.args) :]:
        return "the remaining arguments are counted otherwise"
    used = {each.argument for each in fields}
    dropped = [str(n) for n in range(len(new.args), len(old.args))]
    dropped += [str(each.arg) for each in gone_keywords if isinstance(each, ast.keyword)]
    if not used.isdisjoint(dropped) or any(each.startswith("__") for each in dropped):
        return "the format uses what is dropped"
    return _all_simple(place, values)


def _dropped_keys(old: ast.BinOp, new: ast.BinOp) -> Answer:
    """Check the items that the dict of a `%` format loses; None if the edit is another one."""
    one, other = old.right, new.right
    if not isinstance(old.op, ast.Mod) or not same(old.op, new.op):
        return None
    if not same(old.left, new.left) or not is_text(old.left):
        return None
    if not isinstance(one, ast.Dict) or not isinstance(other, ast.Dict):
        return None
    pairs, kept = _pairs(one), _pairs(other)
    gone = [each for each in pairs if each not in kept]
    if not gone or [each for each in pairs if each in kept] != kept:
        return None
    used = keys_of_percent(str(old.left.value))  # type: ignore[attr-defined]
    for pair, key, value in zip(pairs, one.keys, one.values, strict=True):
        if pair in gone:
            name = key.value if isinstance(key, ast.Constant) else None
            if used is None or not isinstance(name, str) or name in used:
                return "the format may use what is dropped"
            if not is_simple(value):
                return f"`{ast.unparse(value)[:60]}` is no longer evaluated"
    return HOLDS


def _pairs(node: ast.Dict) -> list[tuple[str, str]]:
    """Return the keys and values of a dict as dumped trees; the key of `**x` is the text None."""
    return [
        (ast.dump(key) if key is not None else "None", ast.dump(value))
        for key, value in zip(node.keys, node.values, strict=True)
    ]


def _gone(
    old: "list[ast.expr] | list[ast.keyword]", new: "list[ast.expr] | list[ast.keyword]"
) -> "list[ast.AST] | None":
    """Return the nodes of `old` that `new` lacks; None if the others are not those of `new`."""
    left = [ast.dump(each) for each in new]
    gone: list[ast.AST] = []
    for each in old:
        if left and ast.dump(each) == left[0]:
            left.pop(0)
        else:
            gone.append(each)
    return None if left else gone


def _all_simple(place: Place, nodes: list[ast.AST]) -> Answer:
    """Check that dropped expressions only read names and constants; None if there are none."""
    for each in nodes:
        if not is_simple(each):
            return f"{place.at(each)} is no longer evaluated"
    return HOLDS if nodes else None


@condition("it only reads a name, so that reading it once or twice is the same")
def repeated_operand(place: Place) -> Answer:
    """`a if a else b` and `a or b` give `a` if that is true, else `b`.

    The first reads `a` twice, as `b if not a else a` does, which cannot be told where `a` is a
    name.
    """
    old, new = _turned_round(place.old), place.new
    if not isinstance(old, ast.IfExp) or not isinstance(new, ast.BoolOp):
        return None
    if not isinstance(new.op, ast.Or) or len(new.values) != 2:
        return None
    if not same(old.test, old.body) or not same(new.values[0], old.body):
        return None
    if not same(new.values[1], old.orelse):
        return None
    return HOLDS if isinstance(old.test, ast.Name) else f"{place.at(old.test)} is evaluated twice"


@condition("it asks the same condition once and evaluates the same branch")
def turned_round(place: Place) -> Answer:
    """`b if not a else c` and `c if a else b` ask `a` for its truth once, and evaluate one branch.

    `not` asks as the conditional expression itself does, and calls nothing else.
    """
    old, new = _turned_round(place.old), place.new
    if old is place.old or not isinstance(old, ast.IfExp) or not isinstance(new, ast.IfExp):
        return None
    return HOLDS if same(old, new) else None


def _turned_round(node: ast.AST | None) -> ast.AST | None:
    """Return a conditional expression without the `not` of its condition; all else as it is."""
    if isinstance(node, ast.IfExp) and isinstance(node.test, ast.UnaryOp):
        if isinstance(node.test.op, ast.Not):
            return ast.IfExp(test=node.test.operand, body=node.orelse, orelse=node.body)
    return node


@condition("the second type is a name or builtin, so that reading it early has no effect")
def merged_isinstance(place: Place) -> Answer:
    """`isinstance(x, (A, B))` asks `A`, and then `B` unless the answer was yes, as `or` does.

    The tuple is built before, so the types must only be read, and `x` is read once.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.BoolOp) or not isinstance(old.op, ast.Or):
        return None
    parts = [_isinstance_parts(each) for each in old.values]
    if isinstance(new, ast.BoolOp) and isinstance(new.op, ast.Or):
        after = [_isinstance_parts(each) for each in new.values]
    else:
        after = [_isinstance_parts(new)]
    merged = _merge(parts)
    if merged is None or merged != _merge(after) or len(after) >= len(parts):
        return None
    for number, each in enumerate(old.values):
        if isinstance(each, ast.Call) and (why := _early_reason(place, each, is_first=not number)):
            return why
    return HOLDS


def _early_reason(place: Place, call: ast.Call, *, is_first: bool) -> str | None:
    """Return why evaluating a type test early may be noticed; empty if it cannot be."""
    subject, types = call.args
    given = types.elts if isinstance(types, ast.Tuple) else [types]
    if not is_simple(subject) or not all(map(is_read if is_first else is_simple, given)):
        return f"{place.at(call)} does more than read names"
    for each in () if is_first else given:
        names = [node.id for node in ast.walk(each) if isinstance(node, ast.Name)]
        if not all(map(place.surely_bound, names)):
            return f"{place.at(each)} may have no value where an earlier type fits"
    return not_builtin(place, call.func)


def _isinstance_parts(node: ast.AST | None) -> tuple[str, tuple[str, ...]] | None:
    """Return function and subject of a type test as a text, and its types; None if it is none."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        return None
    if node.func.id not in {"isinstance", "issubclass"} or len(node.args) != 2 or node.keywords:
        return None
    types = node.args[1].elts if isinstance(node.args[1], ast.Tuple) else [node.args[1]]
    return f"{node.func.id} {ast.dump(node.args[0])}", tuple(ast.dump(each) for each in types)


def _merge(
    parts: list[tuple[str, tuple[str, ...]] | None],
) -> list[tuple[str, tuple[str, ...]]] | None:
    """Join neighbouring tests of one subject; None if one of `parts` is no type test."""
    merged: list[tuple[str, tuple[str, ...]]] = []
    for each in parts:
        if each is None:
            return None
        if merged and merged[-1][0] == each[0]:
            merged[-1] = (each[0], merged[-1][1] + each[1])
        else:
            merged.append(each)
    return merged
