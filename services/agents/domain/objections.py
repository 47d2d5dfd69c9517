"""What a maintainer would send a fix back for, although it keeps behaviour."""

import io
import keyword
import re
import tokenize
from dataclasses import dataclass
from difflib import SequenceMatcher

from shared.detectors.texts import split_lines

MIN_WORD_CHARACTERS = 3
WORD = re.compile(r"[^\W\d]\w*")


def written_lines(before: str, after: str) -> set[int]:
    """Return the lines of the text after a change that it wrote, from 1."""
    return {row + 1 for _, new in _hunks(before, after) for row in new}


def has_overlong_line(before: str, after: str, limit: int) -> bool:
    """Return whether a change makes a line longer than the limit and than those it replaces."""
    old, new = split_lines(before), split_lines(after)
    return any(
        _longest(new, mine) > max(limit, _longest(old, replaced))
        for replaced, mine in _hunks(before, after)
    )


def has_outdated_comment(before: str, after: str) -> bool:
    """Return whether a comment is left that is about what a change to Python code removes.

    It stands behind code on a changed line, and has a name that is gone from the code there.
    """
    hunks, lines = _hunks(before, after), split_lines(after)
    if not any("#" in lines[row] for _, mine in hunks for row in mine):
        return False
    old, new = _lines(before), _lines(after)
    if not old or not new:
        return False
    for replaced, mine in hunks:
        kept = {word for row in mine for word in new[row].names}
        gone = {word for row in replaced for word in old[row].names} - kept
        if any(new[row].names and not gone.isdisjoint(new[row].remark) for row in mine):
            return True
    return False


@dataclass(frozen=True)
class _Line:
    """The names that the code of a line has, and the words of its comment, in small letters."""

    names: frozenset[str] = frozenset()
    remark: frozenset[str] = frozenset()


def _lines(text: str) -> list[_Line]:
    """Return what the lines of a Python source say; nothing if it cannot be tokenized."""
    rows = len(split_lines(text)) + 1
    names: list[set[str]] = [set() for _ in range(rows)]
    remarks: list[set[str]] = [set() for _ in range(rows)]
    try:
        for token in tokenize.generate_tokens(io.StringIO(text, newline="").readline):
            row = token.start[0] - 1
            if token.type == tokenize.COMMENT:
                remarks[row] |= _words(token.string)
            elif token.type == tokenize.NAME and not keyword.iskeyword(token.string):
                names[row].add(token.string.lower())
    except (tokenize.TokenError, SyntaxError):
        return []
    return [_Line(frozenset(a), frozenset(b)) for a, b in zip(names, remarks, strict=True)]


def _words(text: str) -> set[str]:
    """Return the words of a text that are long enough to mean something."""
    found = (each.lower() for each in WORD.findall(text))
    return {each for each in found if len(each) >= MIN_WORD_CHARACTERS}


def _longest(lines: list[str], rows: range) -> int:
    """Return the number of columns of the longest of some lines."""
    return max((len(lines[row].rstrip()) for row in rows), default=0)


def _hunks(before: str, after: str) -> list[tuple[range, range]]:
    """Return the rows of both texts, from 0, of each place where they differ."""
    old, new = split_lines(before), split_lines(after)
    # Most of a file is the same, and comparing what is takes long.
    shorter = min(len(old), len(new))
    start = next((n for n in range(shorter) if old[n] != new[n]), shorter)
    rest = shorter - start
    end = next((n for n in range(rest) if old[-1 - n] != new[-1 - n]), rest)
    parts = (old[start : len(old) - end], new[start : len(new) - end])
    codes = SequenceMatcher(None, *parts, autojunk=False).get_opcodes()
    return [
        (range(start + a, start + b), range(start + c, start + d))
        for tag, a, b, c, d in codes
        if tag != "equal"
    ]
