"""Python expressions that put a text together, taken apart and written without what they insert."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import libcst as cst

from services.agents.types.security.calls import has_comment, parsed_expression
from services.agents.types.security.sql_text import SEAM, Part, Slot

# %s, %d and %(name)s, and what else begins with a percent sign.
PERCENT = re.compile(r"%(?:\((\w+)\))?(.)?", re.DOTALL)
FIELD = re.compile(r"\{\{|\}\}|\{(\w*)\}|[{}]")


@dataclass(frozen=True)
class FormattedText:
    """A text in parts, with the quotes in which it is written.

    `seams` are what is written between its literals, where a text has `SEAM`.
    """

    parts: tuple[Part, ...]
    opening: str
    closing: str
    seams: tuple[str, ...] = ()

    def written(self, text: str) -> str:
        """Return the literal, or the literals, of a text with the same seams."""
        first, *rest = text.split(SEAM)
        pairs = zip(self.seams, rest, strict=True)
        return self.opening + first + "".join(s + t for s, t in pairs) + self.closing


def take_apart(text: str) -> FormattedText | None:
    """Return the parts of an f-string, a `%` or `format` of a literal, or a sum with literals.

    Returns None for anything else, and where a slot is not put into the text as `str` gives it.
    """
    if has_comment(text) or SEAM in text:
        return None
    try:
        node = parsed_expression(text)
    except (cst.ParserSyntaxError, RecursionError):
        return None
    if isinstance(node, cst.FormattedString | cst.ConcatenatedString):
        return _of_literals(node)
    if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.Modulo):
        return _of_percent(node)
    if isinstance(node, cst.BinaryOperation) and "\n" not in text:
        return _of_sum(node)
    return _of_format(node) if isinstance(node, cst.Call) else None


def _code(node: cst.CSTNode) -> str:
    """Return a node as text."""
    return cst.Module([]).code_for_node(node)


def _of_literals(node: cst.BaseExpression) -> FormattedText | None:
    """Return the parts of a literal, of an f-string, or of several of them side by side."""
    if isinstance(node, cst.SimpleString):
        return None if node.prefix else FormattedText((node.raw_value,), node.quote, node.quote)
    if isinstance(node, cst.FormattedString):
        return _of_f_string(node)
    if not isinstance(node, cst.ConcatenatedString):
        return None
    left, right = _of_literals(node.left), _of_literals(node.right)
    if left is None or right is None:
        return None
    seam = left.closing + _code(node.whitespace_between) + right.opening
    parts = _merged([*left.parts, SEAM, *right.parts])
    return FormattedText(parts, left.opening, right.closing, (*left.seams, seam, *right.seams))


def _of_f_string(node: cst.FormattedString) -> FormattedText | None:
    """Return the parts of an f-string."""
    parts: list[Part] = [""]
    for each in node.parts:
        if isinstance(each, cst.FormattedStringText):
            if "{{" in each.value or "}}" in each.value:
                return None
            parts.append(each.value)
        elif isinstance(each, cst.FormattedStringExpression):
            if each.format_spec or each.equal or each.conversion not in {None, "s"}:
                return None
            parts.append(Slot(_code(each.expression)))
    quote = node.start.lstrip("fFrR")
    if len(node.start) - len(quote) != 1:
        return None
    return FormattedText(_merged(parts), quote, quote)


def _plain(node: cst.BaseExpression) -> FormattedText | None:
    """Return literals side by side that have no slots yet; None for anything else."""
    found = _of_literals(node)
    return found if found is not None and len(found.parts) == 1 else None


def _of_percent(node: cst.BinaryOperation) -> FormattedText | None:
    """Return the parts of a literal with `%s` and the like, and what is put there."""
    literal = _plain(node.left)
    if literal is None:
        return None
    text = str(literal.parts[0])
    fields = [*PERCENT.finditer(text)]
    if any(each[2] not in {"s", "d", "i"} for each in fields):
        return None
    names = [each[1] or "" for each in fields]
    given = _named(node.right, names) if all(names) else _given(node.right)
    if given is None or (any(names) and not all(names)):
        return None
    return _joined(literal, _around(text, fields), given)


def _around(text: str, fields: Sequence[re.Match[str]]) -> list[str]:
    """Return the texts before, between and after some matches."""
    ends = [0, *(each.end() for each in fields)]
    starts = [*(each.start() for each in fields), len(text)]
    return [text[end:start] for end, start in zip(ends, starts, strict=True)]


def _named(node: cst.BaseExpression, names: Sequence[str]) -> list[str] | None:
    """Return the values of these names in a dict display; None where one is not to be found."""
    if not isinstance(node, cst.Dict):
        return None
    table = dict(_items(node))
    return [table[each] for each in names] if {*table} == {*names} else None


def _items(node: cst.Dict) -> Iterator[tuple[str, str]]:
    """Yield the keys of a dict display that are plain texts, and what they stand for."""
    for each in node.elements:
        key = each.key if isinstance(each, cst.DictElement) else None
        is_plain = isinstance(key, cst.SimpleString) and not key.prefix
        yield (key.raw_value if is_plain else ""), _code(each.value)  # type: ignore[union-attr]


def _given(node: cst.BaseExpression) -> list[str] | None:
    """Return the values right of `%`; None where they may be more, or by name."""
    if isinstance(node, cst.Tuple):
        elements = list(node.elements)
        starred = any(isinstance(each, cst.StarredElement) for each in elements)
        return None if starred else [_code(each.value) for each in elements]
    if isinstance(node, cst.Name):
        # One that may be a tuple of one value is told by its name.
        many = node.value.endswith("s") or node.value in {"data", "row", "record"}
        return None if many else [node.value]
    return [_code(node)] if isinstance(node, cst.Attribute | cst.FormattedString) else None


def _of_format(node: cst.Call) -> FormattedText | None:
    """Return the parts of a literal with fields, and what is put there."""
    if not isinstance(node.func, cst.Attribute) or node.func.attr.value != "format":
        return None
    literal = _plain(node.func.value)
    if literal is None or any(each.star for each in node.args):
        return None
    text = str(literal.parts[0])
    fields = [*FIELD.finditer(text)]
    if any(each[1] is None for each in fields):
        return None
    by_name = {each.keyword.value: _code(each.value) for each in node.args if each.keyword}
    by_number = [_code(each.value) for each in node.args if not each.keyword]
    table = {**by_name, **{str(n): each for n, each in enumerate(by_number)}}
    names = [each[1] or str(n) for n, each in enumerate(fields)]
    if any(each not in table for each in names) or {*names} != {*table}:
        return None
    return _joined(literal, _around(text, fields), [table[each] for each in names])


def _joined(
    literal: FormattedText, texts: Sequence[str], given: Sequence[str]
) -> FormattedText | None:
    """Return texts with what is put between them; None where their numbers do not fit."""
    if len(texts) != len(given) + 1:
        return None
    parts: list[Part] = []
    for text, value in zip(texts, [*given, ""], strict=True):
        parts += [text, *([Slot(value)] if value else [])]
    return FormattedText(tuple(parts), literal.opening, literal.closing, literal.seams)


def _of_sum(node: cst.BinaryOperation) -> FormattedText | None:
    """Return the parts of a sum of literals and other texts, all in the same quotes."""
    parts: list[Part] = []
    quotes: set[str] = set()
    for each in _terms(node):
        literal = _plain(each) if isinstance(each, cst.SimpleString) else None
        if literal is not None:
            quotes.add(literal.opening)
        parts.append(literal.parts[0] if literal is not None else Slot(_without_str(each)))
    if len(quotes) != 1:
        return None
    quote = next(iter(quotes))
    return FormattedText(_merged(parts), quote, quote)


def _terms(node: cst.BaseExpression) -> list[cst.BaseExpression]:
    """Return the terms of a sum, from the left; none where something else is done."""
    if isinstance(node, cst.BinaryOperation):
        if not isinstance(node.operator, cst.Add) or node.lpar:
            return []
        left = _terms(node.left)
        return [*left, node.right] if left else []
    return [node]


def _without_str(node: cst.BaseExpression) -> str:
    """Return a term as text; that of `str(x)` is `x`."""
    if not isinstance(node, cst.Call) or _code(node.func) != "str" or len(node.args) != 1:
        return _code(node)
    given = node.args[0]
    return _code(node if given.keyword or given.star else given.value)


def _merged(parts: Sequence[Part]) -> tuple[Part, ...]:
    """Return the parts with neighbouring texts as one."""
    merged: list[Part] = []
    for each in parts:
        if merged and isinstance(each, str) and isinstance(merged[-1], str):
            merged[-1] += each
        else:
            merged.append(each)
    return tuple(merged)
