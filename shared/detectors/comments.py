"""The comments of Python sources, none of which a fix may drop."""

import io
import re
import tokenize
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import accumulate
from operator import itemgetter

from shared.detectors.texts import Edit, Edits, apply_fixes, split_lines
from shared.kernel.sections import (
    MAX_REMEMBERED_SECTIONS,
    TextSection,
    count_rows,
    is_complete,
    split_sections,
)

# Which encoding a file has is no remark of a person.
CODING = re.compile(r"#.*?coding[:=][ \t]*[-\w.]+")
LAST_CODING_ROW = 2
MAX_REMEMBERED_TEXTS = 64
REST_OF_LINE = re.compile(r"#.*")


def drops_comment(text: str, edits: Edits) -> bool:
    """Return whether a comment of the text is missing once the edits are made."""
    if "#" not in text or not any("#" in each for each in _replaced(text, edits)):
        return False
    part, rows_above = _edited_part(text, edits)
    moved = tuple(
        Edit((e.start[0] - rows_above, e.start[1]), (e.end[0] - rows_above, e.end[1]), e.content)
        for e in edits
    )
    # Only the first rows may name an encoding.
    coding_rows = max(LAST_CODING_ROW - rows_above, 0)
    after = apply_fixes(part, [moved])[0]
    return bool(_comments(part, coding_rows) - _comments(after, coding_rows))


def _edited_part(text: str, edits: Edits) -> tuple[str, int]:
    """Return the sections of a text that edits touch, and those between, and the rows above them.

    All others have the same comments afterwards.
    """
    first = min(each.start[0] for each in edits)
    last = max(each.end[0] for each in edits)
    bounds = _bounds(text)
    begin = max(bisect_right(bounds, first - 1, key=itemgetter(0)) - 1, 0)
    end = bisect_right(bounds, last - 1, key=itemgetter(0))
    until = bounds[end][1] if end < len(bounds) else len(text)
    rows_above, start = bounds[begin]
    return text[start:until], rows_above


@lru_cache(maxsize=MAX_REMEMBERED_TEXTS)
def _bounds(text: str) -> tuple[tuple[int, int], ...]:
    """Return where each section of a text begins: the rows and the characters above it."""
    sections = split_sections(text)
    rows = accumulate((count_rows(each.text) for each in sections[:-1]), initial=0)
    characters = accumulate((len(each.text) for each in sections[:-1]), initial=0)
    return tuple(zip(rows, characters, strict=True))


def _replaced(text: str, edits: Edits) -> Iterator[str]:
    """Yield the text that each edit replaces."""
    lines = split_lines(text)
    for edit in edits:
        (first, start), (last, end) = edit.start, edit.end
        rows = lines[first - 1 : last]
        if rows and last <= len(lines):
            rows[-1] = rows[-1][: end - 1]
        yield "".join(rows)[start - 1 :]


@lru_cache(maxsize=MAX_REMEMBERED_TEXTS)
def _comments(text: str, coding_rows: int) -> Counter[str]:
    """Return how often each comment is in a text, without its spacing.

    Left out is one that names the encoding in the first `coding_rows` rows. In a text that cannot
    be tokenized, each `#` counts as the beginning of a comment.
    """
    found = Counter[str]()
    for section in split_sections(text):
        comments = _comments_in_section(section, coding_rows)
        if comments is None:
            return Counter(map(_plain, REST_OF_LINE.findall(text)))
        found.update(comments)
        coding_rows = coding_rows and max(coding_rows - count_rows(section.text), 0)
    return found


@lru_cache(maxsize=MAX_REMEMBERED_SECTIONS)
def _comments_in_section(section: TextSection, coding_rows: int) -> tuple[str, ...] | None:
    """Return the comments in a section of a text; None if it cannot be tokenized.

    Left out is one that names the encoding in the first `coding_rows` rows.
    """
    if "#" not in section.text and is_complete(section):
        return ()
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(section.text, newline="").readline))
    except (tokenize.TokenError, SyntaxError):
        return None
    comments = (each for each in tokens if each.type == tokenize.COMMENT)
    return tuple(
        _plain(each.string)
        for each in comments
        if each.start[0] > coding_rows or not CODING.match(each.string)
    )


def _plain(comment: str) -> str:
    """Return what a comment says, without its spacing."""
    return " ".join(comment.lstrip("#").split())
