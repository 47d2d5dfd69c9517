"""Edits of how values are put into texts.

Each condition is asked about one edit and returns an `Answer`: None if the edit is of another kind,
an empty text if the condition holds, else the reason why that cannot be shown.
"""

import ast
import re
from typing import NamedTuple

from shared.behaviour.code import same
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.conditions.spelling import not_builtin, same_items
from shared.behaviour.effects import is_read, is_simple, is_text
from shared.behaviour.format_fields import Field, fields_of
from shared.behaviour.place import Place

# The builtin function that does what the conversion flag of a field does, by the flag.
CONVERSIONS = {"s": "str", "r": "repr", "a": "ascii"}
NO_CONVERSION = -1
# Specifications that every text accepts: alignment and width, then precision.
TEXT_SPEC = re.compile(r"(?:[<>^]?[1-9]\d{0,2})?(?:\.\d{1,3})?s?")


class FormattedPart(NamedTuple):
    """A field of a text: its value, the code of its conversion flag, and its specification."""

    value: ast.expr
    conversion: int
    spec: str


Part = str | FormattedPart


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
    call = _conversion_called(old.value)
    if call is None or old.conversion != NO_CONVERSION or new.conversion != _flag_of(call):
        return None
    if not same(call.args[0], new.value):
        return None
    if not (old.format_spec is None and new.format_spec is None):
        if not same(old.format_spec, new.format_spec):
            return None
    return not_builtin(place, call.func)


def _conversion_called(node: ast.AST) -> ast.Call | None:
    """Return a node if it is a call such as `str(x)`, by its name and with one argument only."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.keywords:
        return None
    if len(node.args) != 1 or isinstance(node.args[0], ast.Starred):
        return None
    return node if node.func.id in CONVERSIONS.values() else None


def _flag_of(call: ast.Call) -> int:
    """Return the code of the conversion flag that does what a call such as `str(x)` does."""
    assert isinstance(call.func, ast.Name)
    return next(ord(flag) for flag, name in CONVERSIONS.items() if name == call.func.id)


@condition("what does more than read comes first, or after conversions to text alone")
def formatted_in_order(place: Place) -> Answer:
    """`"{}".format(x)` and `f"{x}"` call `format(x, spec)` with the same values and texts.

    `str.format` evaluates all arguments before it formats the first one, and an f-string one after
    the other. Where all but the first only read names, attributes and items, and each is formatted
    once and in order, nothing comes between. Formatting a text does nothing besides, so after
    arguments that are texts or conversions such as `str(x)` another one may do more, too. A field
    `{x!s}` formats the text that `str(x)` gives, if `str` is Python's own.
    """
    old, new = place.old, place.new
    if not isinstance(old, ast.Call) or not isinstance(new, ast.JoinedStr):
        return None
    if not isinstance(old.func, ast.Attribute) or old.func.attr != "format":
        return None
    if not is_text(old.func.value):
        return None
    expected = formatted_parts(old)
    conversions = (
        None if expected is None else conversions_between(expected, parts_of_f_string(new))
    )
    if expected is None or conversions is None:
        return None
    values = [each.value for each in expected if not isinstance(each, str)]
    if place.in_class and any("='__" in ast.dump(each) for each in values):
        return "an attribute or argument is mangled inside a class"
    foreign = (why for each in conversions if (why := not_builtin(place, each)))
    return next(foreign, None) or reason_of_order(place, old)


def reason_of_order(place: Place, call: ast.Call) -> str:
    """Return which argument of `format` is evaluated otherwise in an f-string; empty if none is."""
    assert isinstance(call.func, ast.Attribute)
    assert isinstance(call.func.value, ast.Constant)
    fields = [each for each in fields_of(str(call.func.value.value)) or () if each.argument]
    used = [each.argument for each in fields]
    named = [(str(n), each) for n, each in enumerate(call.args)]
    named += [(str(each.arg), each.value) for each in call.keywords]
    after_texts = True
    for number, (name, value) in enumerate(named):
        in_place = number < len(fields) and used[number] == name
        if not is_read(value) and not (in_place and after_texts):
            return f"{place.at(value)} is evaluated after others were formatted"
        if not is_simple(value) and used.count(name) != 1:
            return f"{place.at(value)} is not evaluated once"
        if place.in_class and name.startswith("__"):
            return f"`{name}` is mangled inside a class"
        after_texts = after_texts and in_place and _formats_text(place, value, fields[number])
    return HOLDS


def _formats_text(place: Place, value: ast.expr, field: Field) -> bool:
    """Return whether a field formats a text as it is, which has no effect and cannot fail."""
    if field.reads or field.conversion or not TEXT_SPEC.fullmatch(field.spec):
        return False
    call = _conversion_called(value)
    return is_text(value) or (call is not None and not_builtin(place, call.func) == HOLDS)


def conversions_between(one: list[Part], other: list[Part]) -> list[ast.expr] | None:
    """Return the functions that one list of parts calls where the other has a conversion flag.

    Returns None where the parts differ in anything else.
    """
    functions: list[ast.expr] = []
    if len(one) != len(other):
        return None
    for part, new in zip(one, other, strict=True):
        if isinstance(part, str) or isinstance(new, str):
            if part != new:
                return None
        elif not _same_field(part, new):
            if not _same_field(_with_flag(part), _with_flag(new)):
                return None
            calls = (_call_as_flag(each) for each in (part, new))
            functions += [each.func for each in calls if each is not None]
    return functions


def _same_field(one: FormattedPart, other: FormattedPart) -> bool:
    """Return whether two fields have the same value, conversion and specification."""
    return same(one.value, other.value) and one[1:] == other[1:]


def _call_as_flag(part: FormattedPart) -> ast.Call | None:
    """Return the call in a field such as `{str(x)}`, which `{x!s}` replaces; None in any other."""
    return _conversion_called(part.value) if part.conversion == NO_CONVERSION else None


def _with_flag(part: FormattedPart) -> FormattedPart:
    """Return a field such as `{str(x)}` as `{x!s}`, and any other as it is."""
    call = _call_as_flag(part)
    return part if call is None else FormattedPart(call.args[0], _flag_of(call), part.spec)


def formatted_parts(call: ast.Call) -> list[Part] | None:
    """Return the parts of the text that a call of `format` makes; None if they cannot be told."""
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
            parts.append(each.literal)
            if (base := each.argument) is None:
                continue
            value = call.args[int(base)] if base.isdigit() else named[base]
            flag = ord(each.conversion) if each.conversion else NO_CONVERSION
            parts.append(FormattedPart(_with_reads(value, each.reads), flag, each.spec))
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


def parts_of_f_string(node: ast.JoinedStr) -> list[Part]:
    """Return the texts and the fields of an f-string, in order."""
    parts: list[Part] = []
    for each in node.values:
        if isinstance(each, ast.Constant):
            parts.append(str(each.value))
        elif isinstance(each, ast.FormattedValue):
            spec = each.format_spec
            text = ""
            if isinstance(spec, ast.JoinedStr):
                text = "".join(str(getattr(v, "value", "\0")) for v in spec.values)
            parts.append(FormattedPart(each.value, each.conversion, text))
    return _joined(parts)


def _joined(parts: list[Part]) -> list[Part]:
    """Return the parts with neighbouring texts joined, and without empty ones."""
    done: list[Part] = []
    for each in parts:
        if isinstance(each, str) and done and isinstance(done[-1], str):
            done[-1] += each
        else:
            done.append(each)
    return [each for each in done if each != ""]
