"""Edits of how values are put into texts."""

import ast
import string

from shared.behaviour.code import same
from shared.behaviour.condition import HOLDS, Answer, condition
from shared.behaviour.conditions.spelling import not_builtin, same_items
from shared.behaviour.effects import is_read, is_text
from shared.behaviour.place import Place


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
    fields, numbered = _numbered(texts[0].value), _numbered(texts[1].value)
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


def _numbered(text: str) -> list[tuple[str, str | None, str | None, str | None]] | None:
    """Return a format's texts and fields, empty fields numbered; None if it cannot be read."""
    found, count = [], 0
    try:
        for literal, name, spec, conversion in string.Formatter().parse(text):
            numbered = name
            if name is not None and not name[:1].isalnum() and name[:1] != "_":
                numbered, count = f"{count}{name}", count + 1
            if spec and "{" in spec:
                return None
            found.append((literal, numbered, spec, conversion))
    except ValueError:
        return None
    return found


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
    arguments = [*old.args, *(each.value for each in old.keywords)]
    late = [each for each in arguments[1:] if not is_read(each)]
    if late:
        return f"{place.at(late[0])} is evaluated after others were formatted"
    values = [part for part in _flatten(new) if isinstance(part, tuple)]
    if not is_read(arguments[0]) and sum(v[0] == ast.dump(arguments[0]) for v in values) != 1:
        return f"{place.at(arguments[0])} is evaluated more than once"
    if not is_read(arguments[0]) and values[0][0] != ast.dump(arguments[0]):
        return f"{place.at(arguments[0])} is evaluated after others were formatted"
    return HOLDS


Part = str | tuple[str, int, str]


def _formatted(call: ast.Call) -> list[Part] | None:
    """Return the parts of the text that a call of `format` makes, as `_flatten` returns them.

    Returns None where they cannot be told.
    """
    assert isinstance(call.func, ast.Attribute)
    assert isinstance(call.func.value, ast.Constant)
    named = {each.arg: each.value for each in call.keywords}
    if None in named or any(isinstance(each, ast.Starred) for each in call.args):
        return None
    parts: list[Part] = []
    count = 0
    try:
        for literal, name, spec, conversion in string.Formatter().parse(str(call.func.value.value)):
            if literal:
                parts.append(literal)
            if name is None:
                continue
            base, rest = _split_field(name)
            if not base:
                base, count = str(count), count + 1
            value = call.args[int(base)] if base.isdigit() else named[base]
            value = _with_reads(value, rest)
            if spec and "{" in spec:
                return None
            parts.append((ast.dump(value), ord(conversion) if conversion else -1, spec or ""))
    except (ValueError, LookupError):
        return None
    return _joined(parts)


def _split_field(name: str) -> tuple[str, str]:
    """Split a format field into its argument and what is read from that: `a`, `.b[0]`."""
    end = next((n for n, each in enumerate(name) if each in ".["), len(name))
    return name[:end], name[end:]


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
            parts.append(str(each.value))
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
        if isinstance(each, str) and done and isinstance(done[-1], str):
            done[-1] += each
        else:
            done.append(each)
    return done
