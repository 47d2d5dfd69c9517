"""Edits that could change which exception is raised or caught.

Each condition is asked about one edit and returns an `Answer`: None if the edit is of another kind,
an empty text if the condition holds, else the reason why that cannot be shown.
"""

import ast
import builtins

from shared.behaviour.classes import is_exception
from shared.behaviour.code import ParsedFile, bound_names, same, uses
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.conditions.calls import canonical
from shared.behaviour.conditions.spelling import not_builtin
from shared.behaviour.effects import calls, cannot_raise, comprehension_parts, is_simple
from shared.behaviour.evidence import CONTAINERS, PLAIN, evident_type
from shared.behaviour.place import Place
from shared.kernel.syntax import parse_expression


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
    one = _caught(place.old, place.code, place)
    other = _caught(place.new, place.new_code, place)
    if one is None or other is None:
        return "what is caught cannot be told from the imports"
    if isinstance(place.old, ast.Tuple) is not isinstance(place.new, ast.Tuple):
        if any(each.startswith(UNKNOWN) for each in one):
            return "what is caught may be a tuple itself"
    return HOLDS if one == other else "other exceptions are caught"


# What the names of classes begin with that the imports do not tell.
UNKNOWN = "?"


def _caught(node: ast.AST, code: ParsedFile, place: Place) -> frozenset[str] | None:
    """Return the classes that are caught, without subclasses of others; None if not all are names.

    One that is not known to be an exception has `UNKNOWN` in front.
    """
    items = node.elts if isinstance(node, ast.Tuple) else [node]
    found: set[str] = set()
    for each in items:
        if not isinstance(each, ast.Name | ast.Attribute):
            return None
        origin, name = canonical(code.origin(each), place), ast.unparse(each)
        if origin.startswith("builtins."):
            found.add(origin)
        else:
            found.add(name if is_exception(each, code) else f"{UNKNOWN}{name}")
    values = {each: getattr(builtins, each[9:], None) for each in found if each[:9] == "builtins."}
    classes = {name: value for name, value in values.items() if isinstance(value, type)}
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
    evaluated before anything else in both. A set or dict made of a list hashes its elements after
    the last one was computed, which cannot be told where they evidently can be hashed, or where
    nothing else can be noticed in between.
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
    if any(each.is_async for each in inner.generators):
        return None
    rest = [each.iter for each in inner.generators[1:]]
    if called := calls(*comprehension_parts(inner), *rest):
        return f"`{called}` in the elements may raise StopIteration or have effects"
    if isinstance(inner, ast.ListComp) and (why := _hashed_early(place, inner)):
        return why
    return not_builtin(place, old.func)


def _hashed_early(place: Place, made: ast.ListComp) -> str:
    """Return why hashing elements between others may be noticed; empty if it cannot be.

    `made` is a list of elements, or of pairs of keys and values.
    """
    pair = made.elt.elts if isinstance(made.elt, ast.Tuple | ast.List) else [made.elt]
    hashed = pair[0] if isinstance(place.new, ast.DictComp) else made.elt
    if evident_type(hashed, place.code, place.function) in PLAIN:
        return ""
    for number, each in enumerate(made.generators):
        own = evident_type(each.iter, place.code, place.function) in CONTAINERS
        if (
            not own
            or not isinstance(each.target, ast.Name)
            or (number and not is_simple(each.iter))
        ):
            return f"{place.at(each.iter)} is drawn from between elements being hashed"
    for part in (*pair, *comprehension_parts(made)[1:]):
        if not cannot_raise(part, place.code):
            return f"{place.at(part)} may raise between elements being hashed"
    return ""


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
    if any(isinstance(each, ast.Lambda) for each in ast.walk(loop)):
        return "a function inside keeps names of the loop"
    if place.code.reads_any_name:
        return "something in the file reads names that it does not spell"
    for name in bound_names(loop.target):
        if _occurrences(place.function, name) != _occurrences(loop, name):
            return f"`{name}` occurs outside of the loop"
    return not_builtin(place, expected.func)


def _occurrences(root: ast.AST, name: str) -> int:
    """Return how often a name is bound or read below `root`."""
    reads = [each for each in uses(root, name) if isinstance(each.ctx, ast.Load)]
    return len(reads) + [*bound_names(root)].count(name)


def _as_any(loop: ast.For, last: ast.Return) -> ast.Call | None:
    """Return the call of `any` or `all` that a loop and the return after it amount to, if any."""
    test = loop.body[0] if len(loop.body) == 1 else None
    if not isinstance(test, ast.If) or test.orelse or len(test.body) != 1:
        return None
    inside = test.body[0]
    if not isinstance(inside, ast.Return):
        return None
    values = [getattr(each.value, "value", "") for each in (inside, last)]
    if values[0] is True and values[1] is False:
        name, element = "any", test.test
    elif values[0] is False and values[1] is True:
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

    A list or tuple that is written out with an item that is not unpacked is never empty. The same
    goes for `tuple(x)[0]`, but not for what may have another order or another first item.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Subscript) or not isinstance(new, ast.Call):
        return None
    if not isinstance(old.slice, ast.Constant) or repr(old.slice.value) != "0":
        return None
    called = old.value
    if not isinstance(called, ast.Call) or len(called.args) != 1 or called.keywords:
        return None
    if not isinstance(called.func, ast.Name) or called.func.id not in {"list", "tuple"}:
        return None
    source = called.args[0]
    wanted = parse_expression("next(iter(0))").body
    assert isinstance(wanted, ast.Call)
    assert isinstance(wanted.args[0], ast.Call)
    wanted.args[0].args = [source]
    if not same(new, wanted):
        return None
    items = source.elts if isinstance(source, ast.List | ast.Tuple) else []
    if any(not isinstance(each, ast.Starred) for each in items):
        names = (called.func, wanted.func, wanted.args[0].func)
        return next((why for each in names if (why := not_builtin(place, each))), HOLDS)
    return f"{place.at(source)} may be empty, which raises another exception"
