"""Finds which lines a change touched, followed through the changes on top of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from shared.targets.patches import ReplacedLines, replaced_lines


@dataclass(frozen=True)
class TouchedLines:
    """The touched lines, counted from 1, and gaps: the indent of what was removed after a line."""

    lines: frozenset[int] = frozenset()
    gaps: Mapping[int, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.lines or self.gaps)


def touched(texts: Sequence[bytes]) -> TouchedLines:
    """Return what the change from the first text to the second touched, by lines of the last text.

    A line that a later change rewrote is that one's and still this one's too: its content is due to
    both.
    """
    before, after = texts[0], texts[1]
    found = _of(before, replaced_lines(before, after))
    for older, newer in pairwise(texts[1:]):
        if older != newer:
            found = _moved(found, older, replaced_lines(older, newer))
    return found


def _of(before: bytes, changes: Sequence[ReplacedLines]) -> TouchedLines:
    """Return what one change touched: its new lines, and gaps where it only removed code."""
    old = before.splitlines()
    lines: set[int] = set()
    gaps = {}
    for each in changes:
        lines |= set(range(each.new_start + 1, each.new_end + 1))
        indents = list(_indents(old[each.old_start : each.old_end]))
        if each.new_start == each.new_end and indents:
            gaps[each.new_start] = indents[0]
    return TouchedLines(frozenset(lines), gaps)


def _indents(removed: Sequence[bytes]) -> Iterator[int]:
    """Yield the indents of removed lines that do something."""
    for line in removed:
        code = line.strip()
        if code and not code.startswith(b"#") and code not in {b"pass", b"..."}:
            yield len(line) - len(line.lstrip())


def _moved(found: TouchedLines, text: bytes, changes: Sequence[ReplacedLines]) -> TouchedLines:
    """Move touched places through later changes; a rewritten place becomes its new lines."""
    old = text.splitlines()
    lines: set[int] = set()
    gaps: dict[int, int] = {}
    for line in found.lines:
        shift = 0
        for each in changes:
            if each.old_end < line:
                shift = each.new_end - each.old_end
            elif each.old_start < line:
                indents = list(_indents(old[line - 1 : line]))
                if indents:
                    _rewritten(line - 1, each, indents[0], lines, gaps)
                break
        else:
            lines.add(line + shift)
    for gap, indent in found.gaps.items():
        shift = 0
        for each in changes:
            if each.old_start < gap < each.old_end:
                _rewritten(gap, each, indent, lines, gaps)
                break
            if each.old_end <= gap:
                shift = each.new_end - each.old_end
        else:
            gaps.setdefault(gap + shift, indent)
    return TouchedLines(frozenset(lines), gaps)


def _rewritten(
    place: int, by: ReplacedLines, indent: int, lines: set[int], gaps: dict[int, int]
) -> None:
    """Add to `lines` or `gaps` what a line became: its counterpart, all new lines, or a gap."""
    if by.new_start == by.new_end:
        gaps.setdefault(by.new_start, indent)
    elif by.new_end - by.new_start == by.old_end - by.old_start:
        lines.add(by.new_start + 1 + place - by.old_start)
    else:
        lines.update(range(by.new_start + 1, by.new_end + 1))
