"""Applying a tool's edits to a text, and keeping a formatter to the lines that were changed."""

import ast
from collections.abc import Sequence
from difflib import SequenceMatcher

from shared.detectors.texts import Fix, split_lines
from shared.kernel.syntax import parse


def apply_fixes(text: str, fixes: Sequence[Fix]) -> tuple[str, tuple[int, ...]]:
    """The text with every fix that does not touch an earlier one; which of them were applied."""
    starts = [0]
    for line in split_lines(text):
        starts.append(starts[-1] + len(line))
    taken: list[tuple[int, int, str]] = []
    applied = []
    for number, fix in sorted(enumerate(fixes), key=lambda each: [e.start for e in each[1]]):
        spans = [(_offset(starts, e.start), _offset(starts, e.end), e.content) for e in fix]
        if spans and not any(_touch(span, other) for span in spans for other in taken):
            taken += spans
            applied.append(number)
    for start, end, content in sorted(taken, reverse=True):
        text = text[:start] + content + text[end:]
    return text, tuple(applied)


def _offset(starts: Sequence[int], place: tuple[int, int]) -> int:
    row, column = place
    return min(starts[min(row - 1, len(starts) - 1)] + column - 1, starts[-1])


def _touch(one: tuple[int, int, str], other: tuple[int, int, str]) -> bool:
    if one[:2] == other[:2]:
        return True
    return one[0] < other[1] and other[0] < one[1]


def format_where_changed(before: str, after: str, formatted: str) -> str:
    """`after`, with the formatter's word taken only where it differs from `before`.

    Where that mixture would mean something else than `after`, `after` is left as it is.
    """
    old, new, neat = (split_lines(each) for each in (before, after, formatted))
    changed: set[int] = set()
    for tag, _, _, start, end in SequenceMatcher(None, old, new).get_opcodes():
        if tag in {"replace", "insert"}:
            changed.update(range(start, end))
    mixed: list[str] = []
    for _, a, b, c, d in SequenceMatcher(None, new, neat).get_opcodes():
        # A line the formatter puts in stands next to its reason.
        if changed.issuperset(range(a, b)) if a < b else changed & {a - 1, a}:
            mixed += neat[c:d]
        elif b - a == d - c:
            mixed += [neat[c + n] if a + n in changed else new[a + n] for n in range(b - a)]
        else:
            mixed += new[a:b]
    text = "".join(mixed)
    return text if text == after or _same_meaning(text, after) else after


def _same_meaning(one: str, other: str) -> bool:
    try:
        return ast.dump(parse(one)) == ast.dump(parse(other))
    except (SyntaxError, ValueError, RecursionError):
        return False


def changed_lines(before: str, after: str) -> tuple[int, int]:
    """How many lines were added and removed."""
    old, new = split_lines(before), split_lines(after)
    added = removed = 0
    for tag, a, b, c, d in SequenceMatcher(None, old, new).get_opcodes():
        if tag != "equal":
            removed += b - a
            added += d - c
    return added, removed
