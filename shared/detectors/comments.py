"""The comments of Python sources, none of which a fix may drop."""

import io
import re
import tokenize
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache

from shared.detectors.texts import Edits, apply_fixes, split_lines

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
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
        found = [e.string for e in tokens if e.type == tokenize.COMMENT and not _is_coding(e)]
    except (tokenize.TokenError, SyntaxError):
        found = REST_OF_LINE.findall(text)
    return Counter(" ".join(each.lstrip("#").split()) for each in found)


def _is_coding(comment: tokenize.TokenInfo) -> bool:
    """Return whether a comment names the file's encoding, as it may in the first two lines."""
    return comment.start[0] <= LAST_CODING_ROW and bool(CODING.match(comment.string))
