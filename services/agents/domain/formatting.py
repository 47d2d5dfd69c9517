"""Formatting the lines that a fix changed, and no others."""

import ast
from difflib import SequenceMatcher

from shared.detectors.texts import split_lines
from shared.kernel.syntax import parse


def format_where_changed(before: str, after: str, formatted: str) -> str:
    """Return `after`, but the lines that differ from `before` as they are in `formatted`.

    `after` is returned as it is where that mixture would mean something else.
    """
    old, new, neat = (split_lines(each) for each in (before, after, formatted))
    changed: set[int] = set()
    for tag, _, _, start, end in SequenceMatcher(None, old, new).get_opcodes():
        if tag in {"replace", "insert"}:
            changed.update(range(start, end))
    mixed: list[str] = []
    for _, a, b, c, d in SequenceMatcher(None, new, neat).get_opcodes():
        # A line that the formatter inserts is taken where it is next to a changed one.
        if changed.issuperset(range(a, b)) if a < b else changed & {a - 1, a}:
            mixed += neat[c:d]
        elif b - a == d - c:
            mixed += [neat[c + n] if a + n in changed else new[a + n] for n in range(b - a)]
        else:
            mixed += new[a:b]
    text = "".join(mixed)
    return text if text == after or _same_meaning(text, after) else after


def _same_meaning(one: str, other: str) -> bool:
    """Return whether both texts have the same syntax tree; False if one cannot be parsed."""
    try:
        return ast.dump(parse(one)) == ast.dump(parse(other))
    except (SyntaxError, ValueError, RecursionError):
        return False
