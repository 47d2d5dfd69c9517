"""Texts by lines, and the edits that a tool would make to them."""

import re
import tokenize
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

# The tokens of Python that only lay out what others say.
LAYOUT_TOKENS = frozenset({tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER})
MAX_REMEMBERED_TEXTS = 64
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")


@dataclass(frozen=True)
class Edit:
    """Replace the text from `start` to `end` by `content`: (row, column), counted from 1."""

    start: tuple[int, int]
    end: tuple[int, int]
    content: str


Edits = tuple[Edit, ...]


def split_lines(text: str) -> list[str]:
    """Split a text into lines with their line ends, as Python's tokenizer counts them.

    Unlike `str.splitlines`, it does not split at form feeds or U+2028.
    """
    return list(_lines_of(text))


@lru_cache(maxsize=MAX_REMEMBERED_TEXTS)
def _lines_of(text: str) -> tuple[str, ...]:
    """Split a text into lines, from a cache: each finding of a file asks for those of the file."""
    if "\r" in text:
        return tuple(line for line in LINE.findall(text) if line)
    *ended, last = text.split("\n")
    return (*(f"{line}\n" for line in ended), *([last] if last else []))


def line_at(lines: list[str], row: int) -> str:
    """Return the text of line `row`, counted from 1; empty past the end."""
    return lines[row - 1] if 0 < row <= len(lines) else ""


def apply_fixes(text: str, fixes: Sequence[Edits]) -> tuple[str, tuple[int, ...]]:
    """Apply every fix that does not overlap an earlier one; return the text and their indices."""
    starts = [0]
    for line in split_lines(text):
        starts.append(starts[-1] + len(line))
    taken: list[tuple[int, int, str]] = []
    applied = []
    for number, fix in sorted(enumerate(fixes), key=lambda each: [e.start for e in each[1]]):
        spans = [(_offset(starts, e.start), _offset(starts, e.end), e.content) for e in fix]
        if spans and not any(_overlap(span, other) for span in spans for other in taken):
            taken += spans
            applied.append(number)
    for start, end, content in sorted(taken, reverse=True):
        text = text[:start] + content + text[end:]
    return text, tuple(applied)


def _offset(starts: Sequence[int], place: tuple[int, int]) -> int:
    """Return the index of a (row, column) in a text, given the index at which each line starts."""
    row, column = place
    return min(starts[min(row - 1, len(starts) - 1)] + column - 1, starts[-1])


def _overlap(one: tuple[int, int, str], other: tuple[int, int, str]) -> bool:
    """Return whether two edits, each (start, end, content), overlap or replace the same place."""
    if one[:2] == other[:2]:
        return True
    return one[0] < other[1] and other[0] < one[1]
