"""Edits of how values are put into texts.

An `Answer` is None for another kind of edit, empty where the condition holds, else why not.
"""

import ast

from shared.behaviour.code import same
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.conditions.spelling import not_builtin, same_items
from shared.behaviour.effects import is_read, is_simple, is_text
from shared.behaviour.format_fields import fields_of
from shared.behaviour.place import Place

# A text alone, or the dumped value, conversion and specification of a field.
Part = tuple[str] | tuple[str, int, str]


@condition("the fields of the literal format are numbered in order")
def numbered_fields(place: Place) -> Answer:
    """`"{0} {1}"` and `"{} {}"` ask for the same arguments, as empty fields count from 0."""
    old, new = place.old, place.new
    if not isinstance(old, ast.Call) or not isinstance(new, ast.Call):
        return None
    if not (isinstance(old.func, ast.Attribute) and isinstance(new.func, ast.Attribute)):
        return None
    texts = [each.func.value for each in (old, new)]  # type: ignore[attr-defined]
    if not all(isinstance(each, ast.Constant) and isinstance(each.value, str) for each in texts):
        return None
    fields, numbered = fields_of(texts[0].value), fields_of(texts[1].value)
    equal = fields is not None and fields == numbered and _same_call(old, new)
    return HOLDS if equal else None


def _same_call(one: ast.Call, other: ast.Call) -> bool:
    """Return whether both are calls of a method `format` with the same arguments."""
    assert isinstance(one.func, ast.Attribute)
    assert isinstance(other.func, ast.Attribute)
    same_arguments = same_items(one.args, other.args) and len(one.keywords) == len(other.keywords)
    return (
        one.func.attr == other.func.attr == "format"
        and same_arguments
        and all(map(same, one.keywords, other.keywords))
    )


@condition("the conversion called is Python's own and has one argument")
def conversion_flag(place: Place) -> Answer:
    """A field `{str(x)}` formats the text that `str(x)` gives, and `{x!s}` does the same."""
    old, new = place.old, place.new
    if not isinstance(old, ast.FormattedValue) or not isinstance(new, ast.FormattedValue):
        return None
    flags = {"s": "str", "r": "repr", "a": "ascii"}
    call, name = old.value, flags.get(chr(new.conversion) if new.conversion > 0 else "")
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        return None
    if call.func.id != name or old.conversion != -1 or call.keywords:
        return None
    if not same_items(call.args, [new.value]) or isinstance(call.args[0], ast.Starred):
        return None
    if not (old.format_spec is None and new.format_spec is None):
        if not same(old.format_spec, new.format_spec):
            return None
    return not_builtin(place, call.func)


@condition("only the first argument does more than read")
def formatted_in_order(place: Place) -> Answer:
    """`"{}".format(x)` and `f"{x}"` call `format(x, spec)` with the same values and texts.

    `str.format` evaluates all arguments before it formats the first one, and an f-string one after
    the other. Where all but the first only read names, attributes and items, and each is formatted
    once and in order, nothing comes between.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Call) or not isinstance(new, ast.JoinedStr | ast.Constant):
        return None
    if not isinstance(old.func, ast.Attribute) or old.func.attr != "format":
        return None
    if not is_text(old.func.value) or not isinstance(new, ast.JoinedStr):
        return None
    expected = _formatted(old)
    if expected is None or expected != _flatten(new):
        return None
    if place.in_class and any("='__" in part[0] for part in expected if part[1:]):
        return "an attribute or argument is mangled inside a class"
    return _order_reason(place, old, expected)


def _order_reason(place: Place, call: ast.Call, parts: list[Part]) -> str:
    """Return which argument of `format` is evaluated otherwise in an f-string; empty if none is.

    `parts` are those of the f-string.
    """
    assert isinstance(call.func, ast.Attribute)
    assert isinstance(call.func.value, ast.Constant)
    used = [each.argument for each in fields_of(str(call.func.value.value)) or ()]
    named = [(str(n), each) for n, each in enumerate(call.args)]
    named += [(str(each.arg), each.value) for each in call.keywords]
    first = next((part[0] for part in parts if part[1:]), "")
    for number, (name, value) in enumerate(named):
        if number and not is_read(value):
            return f"{place.at(value)} is evaluated after others were formatted"
        if not is_simple(value) and used.count(name) != 1:
            return f"{place.at(value)} is not evaluated once"
        if not is_read(value) and first != ast.dump(value):
            return f"{place.at(value)} is evaluated after others were formatted"
        if place.in_class and name.startswith("__"):
            return f"`{name}` is mangled inside a class"
    return HOLDS


def _formatted(call: ast.Call) -> list[Part] | None:
    """Return the parts of the text that a call of `format` makes, as `_flatten` returns them.

    Returns None where they cannot be told.
    """
    assert isinstance(call.func, ast.Attribute)
    assert isinstance(call.func.value, ast.Constant)
    named = {each.arg: each.value for each in call.keywords}
    if None in named or any(isinstance(each, ast.Starred) for each in call.args):
        return None
    fields = fields_of(str(call.func.value.value))
    if fields is None:
        return None
    parts: list[Part] = []
    try:
        for each in fields:
            parts.append((each.literal,))
            if (base := each.argument) is None:
                continue
            value = call.args[int(base)] if base.isdigit() else named[base]
            flag = ord(each.conversion) if each.conversion else -1
            parts.append((ast.dump(_with_reads(value, each.reads)), flag, each.spec))
    except (ValueError, LookupError):
        return None
    return _joined(parts)


def _with_reads(value: ast.expr, rest: str) -> ast.expr:
    """Return `value` with the reads in `rest`, such as `.b[0]`. Raises ValueError for odd ones."""
    while rest:
        if rest[0] == ".":
            end = next((n for n, each in enumerate(rest[1:], 1) if each in ".["), len(rest))
            value, rest = ast.Attribute(value, rest[1:end], ast.Load()), rest[end:]
        else:
            key, found, rest = rest[1:].partition("]")
            if not found:
                raise ValueError(rest)
            item = ast.Constant(int(key) if key.isdigit() else key)
            value = ast.Subscript(value, item, ast.Load())
    return value


def _flatten(node: ast.JoinedStr) -> list[Part]:
    """Return the parts of an f-string: texts, and (dumped value, conversion, format) of fields."""
    parts: list[Part] = []
    for each in node.values:
        if isinstance(each, ast.Constant):
            parts.append((str(each.value),))
        elif isinstance(each, ast.FormattedValue):
            spec = each.format_spec
            text = ""
            if isinstance(spec, ast.JoinedStr):
                text = "".join(str(getattr(v, "value", "\0")) for v in spec.values)
            parts.append((ast.dump(each.value), each.conversion, text))
    return _joined(parts)


def _joined(parts: list[Part]) -> list[Part]:
    """Return the parts with neighbouring texts joined."""
    done: list[Part] = []
    for each in parts:
        if len(each) == 1 and done and len(done[-1]) == 1:
            done[-1] = (done[-1][0] + each[0],)
        else:
            done.append(each)
    return [each for each in done if each != ("",)]
