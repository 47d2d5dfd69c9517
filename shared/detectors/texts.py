"""Texts by lines, and the edits that a tool would make to them."""

import re
from dataclasses import dataclass

LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")


@dataclass(frozen=True)
class Edit:
    """Replace from (row, column) to (row, column), counted from 1 in characters, by `content`."""

    start: tuple[int, int]
    end: tuple[int, int]
    content: str


Fix = tuple[Edit, ...]


def split_lines(text: str) -> list[str]:
    """Lines with their ends, as Python's own tokenizer sees them (no form feeds, no U+2028)."""
    return [line for line in LINE.findall(text) if line]


def line_at(lines: list[str], row: int) -> str:
    """The line's text; empty past the end."""
    return lines[row - 1] if 0 < row <= len(lines) else ""
