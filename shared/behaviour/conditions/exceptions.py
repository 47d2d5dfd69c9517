"""Edits that could change which exception is raised or caught."""

import ast
import builtins

from shared.behaviour.code import same
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.conditions.calls import canonical
from shared.behaviour.conditions.spelling import not_builtin
from shared.behaviour.effects import calls, comprehension_parts
from shared.behaviour.place import Place


@condition("the exceptions that are caught are the same, by the classes of Python itself")
def caught_exceptions(place: Place) -> Answer:
    """`except (A, B)` catches what is an instance of either, so repeating one changes nothing.

    Nor does leaving out a builtin exception beside one that it inherits from, or beside another
    name of the same class. A tuple of one class catches what the class itself does.
    """
    parent = place.parent
    if not isinstance(parent, ast.ExceptHandler) or parent.type is not place.old:
        return None
    assert place.old is not None
    if place.new is None or not isinstance(place.new, ast.expr):
        return None
    one, other = _caught(place.old, place), _caught(place.new, place)
    if one is None or other is None:
        return "what is caught cannot be told from the imports"
    return HOLDS if one == other else "other exceptions are caught"


def _caught(node: ast.AST, place: Place) -> frozenset[str] | None:
    """Return the classes that are caught, without those that inherit from another one of them."""
    items = node.elts if isinstance(node, ast.Tuple) else [node]
    found: set[str] = set()
    for each in items:
        if not isinstance(each, ast.Name | ast.Attribute):
            return None
        origin = place.code.origin(each)
        found.add(canonical(origin, place) if origin else ast.unparse(each))
    known = {each: getattr(builtins, each[9:], None) for each in found if each[:9] == "builtins."}
    classes = {name: value for name, value in known.items() if isinstance(value, type)}
    return frozenset(
        name
        for name in found
        if not any(
            name != other and name in classes and issubclass(classes[name], value)
            for other, value in classes.items()
        )
    )


@condition("the elements call nothing, so that none raises StopIteration")
def comprehension(place: Place) -> Answer:
    """A generator turns a StopIteration from its elements into a RuntimeError, a list does not.

    Otherwise `list(x for …)` draws and computes the same elements in the same order as `[x for …]`.
    Only a call (or `await`) in the elements can raise StopIteration. The first iterable is
    evaluated before anything else in both.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Call) or len(old.args) != 1 or old.keywords:
        return None
    made = {ast.ListComp: "list", ast.SetComp: "set", ast.DictComp: "dict"}.get(type(new))
    if not isinstance(old.func, ast.Name) or old.func.id != made or new is None:
        return None
    inner = old.args[0]
    if not isinstance(inner, ast.GeneratorExp | ast.ListComp):
        return None
    if not _same_elements(inner, new):
        return None
    if isinstance(inner, ast.ListComp) and isinstance(new, ast.ListComp):
        return not_builtin(place, old.func)
    rest = [each.iter for each in inner.generators[1:]]
    if called := calls(*comprehension_parts(inner), *rest):
        return f"`{called}` in the elements may raise StopIteration or have effects"
    return not_builtin(place, old.func)


def _same_elements(inner: ast.GeneratorExp | ast.ListComp, new: ast.AST) -> bool:
    """Return whether two comprehensions compute the same, a pair being a key and a value."""
    if not isinstance(new, ast.ListComp | ast.SetComp | ast.DictComp):
        return False
    if len(inner.generators) != len(new.generators):
        return False
    if not all(map(same, inner.generators, new.generators)):
        return False
    if not isinstance(new, ast.DictComp):
        return same(inner.elt, new.elt)
    pair = inner.elt
    return (
        isinstance(pair, ast.Tuple | ast.List)
        and len(pair.elts) == 2
        and same(pair.elts[0], new.key)
        and same(pair.elts[1], new.value)
    )


@condition("the loop's condition calls nothing, so that it cannot raise StopIteration")
def loop_as_any(place: Place) -> Answer:
    """`any(c for x in y)` asks the same conditions in the same order, and stops at the same one.

    A StopIteration from a condition would become a RuntimeError inside the generator; only a call
    can raise one. The names of the loop are not seen after the function returns.
    """
    if len(place.before) != 2 or not isinstance(place.new, ast.Return):
        return None
    loop, last = place.before
    if not isinstance(loop, ast.For) or not isinstance(last, ast.Return) or loop.orelse:
        return None
    expected = _as_any(loop, last)
    if expected is None or not same(expected, place.new.value):
        return None
    assert isinstance(expected, ast.Call)
    assert isinstance(expected.func, ast.Name)
    if called := calls(*comprehension_parts(expected.args[0])):
        return f"`{called}` in the condition may raise StopIteration"
    if place.function is None:
        return "it is not in a function"
    inner = [n for n in ast.walk(loop) if isinstance(n, ast.Lambda | ast.FunctionDef)]
    return (
        "a function inside keeps names of the loop" if inner else not_builtin(place, expected.func)
    )


def _as_any(loop: ast.For, last: ast.Return) -> ast.Call | None:
    """Return the call of `any` or `all` that a loop and the return after it amount to, if any."""
    test = loop.body[0] if len(loop.body) == 1 else None
    if not isinstance(test, ast.If) or test.orelse or len(test.body) != 1:
        return None
    inside = test.body[0]
    if not isinstance(inside, ast.Return):
        return None
    values = [getattr(each.value, "value", "") for each in (inside, last)]
    if values == [True, False]:
        name, element = "any", test.test
    elif values == [False, True]:
        name, element = "all", _negated(test.test)
    else:
        return None
    loops = [ast.comprehension(loop.target, loop.iter, [], 0)]
    return ast.Call(ast.Name(name, ast.Load()), [ast.GeneratorExp(element, loops)], [])


OPPOSITES: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


def _negated(node: ast.expr) -> ast.expr:
    """Return the negation of a condition: `a not in b` for `a in b`, `a` for `not a`."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return node.operand
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in OPPOSITES:
        return ast.Compare(node.left, [OPPOSITES[type(node.ops[0])]()], node.comparators)
    return ast.UnaryOp(ast.Not(), node)


@condition("the display has an item, so that neither side raises")
def first_item(place: Place) -> Answer:
    """`list(x)[0]` raises IndexError for an empty `x`, and `next(iter(x))` raises StopIteration.

    A list or tuple that is written out with an item that is not unpacked is never empty.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Subscript) or not isinstance(new, ast.Call):
        return None
    if not isinstance(old.value, ast.Call) or len(old.value.args) != 1:
        return None
    source = old.value.args[0]
    wanted = ast.parse("next(iter(0))", mode="eval").body  # noqa: TID251
    assert isinstance(wanted, ast.Call)
    assert isinstance(wanted.args[0], ast.Call)
    wanted.args[0].args = [source]
    if not same(new, wanted):
        return None
    items = source.elts if isinstance(source, ast.List | ast.Tuple) else []
    if any(not isinstance(each, ast.Starred) for each in items):
        return not_builtin(place, old.value.func)
    return f"{place.at(source)} may be empty, which raises another exception"
