"""The comments of Python sources, none of which a fix may drop."""

import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from shared.detectors.texts import Edits, apply_fixes, split_lines
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
    return bool(_comments(text) - _comments(apply_fixes(text, [edits])[0]))


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
def _comments(text: str) -> Counter[str]:
    """Return how often each comment is in a text, without its spacing and without the coding.

    In a text that cannot be tokenized, each `#` counts as the beginning of a comment.
    """
    found = Counter[str]()
    coding_rows = LAST_CODING_ROW
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
