"""The edits that remove dead code with the comments that belong to it, and nothing else."""

import io
import re
import tokenize

from shared.detectors.texts import Edit, Edits, line_at, split_lines
from shared.detectors.vulture.scan import DeadCode

LETTER = re.compile(r"[^\W\d_]")


def removal(found: DeadCode, text: str) -> Edits:
    """Return the edit that removes dead code; none where it would leave an empty block.

    Comments right above a definition go with it. Dead statements with comments stay, and so does
    code on a line with other code.
    """
    nodes = found.nodes
    if len(nodes) == len(found.suite):
        return ()
    lines = split_lines(text)
    decorators = getattr(nodes[0], "decorator_list", ())
    first = min([nodes[0].lineno, *(each.lineno for each in decorators)])
    last = nodes[-1].end_lineno or nodes[-1].lineno
    if not _has_own_lines(found, first, last, lines):
        return ()
    if not found.name:
        before = found.suite[found.suite.index(nodes[0]) - 1]
        if any((before.end_lineno or first) < row <= last for row in comment_rows(text)):
            return ()
    start = first if not found.name else _first_comment(first, text, lines)
    if start is None:
        return ()
    above, below = _blanks_above(start, lines), _blanks_below(last, lines)
    at_end = last + below >= len(lines)
    if at_end or below < above:
        start, below = start - above, 0 if not at_end else below
    return (Edit((start, 1), (last + below + 1, 1), ""),)


def comment_rows(text: str) -> dict[int, str]:
    """Return the comments of a source by their lines; every `#` where it has no tokens."""
    try:
        tokens = tokenize.generate_tokens(io.StringIO(text, newline="").readline)
        return {each.start[0]: each.string for each in tokens if each.type == tokenize.COMMENT}
    except (tokenize.TokenError, SyntaxError):
        return {n: line for n, line in enumerate(split_lines(text), 1) if "#" in line}


def _has_own_lines(found: DeadCode, first: int, last: int, lines: list[str]) -> bool:
    """Return whether the lines of dead code have no other code."""
    node = found.nodes[0]
    others = [each for each in found.suite if each not in found.nodes]
    if any(first <= row <= last for e in others for row in (e.lineno, e.end_lineno or e.lineno)):
        return False
    indented = line_at(lines, first)
    return not indented[: node.col_offset].strip() and not line_at(lines, first - 1).endswith(
        ("\\\n", "\\\r\n")
    )


def _first_comment(first: int, text: str, lines: list[str]) -> int | None:
    """Return the first line of the comments right above a definition, or its own without any.

    Returns None where they may be about more: a heading, or the end of what is above.
    """
    comments, start = comment_rows(text), first
    while start > 1 and start - 1 in comments and line_at(lines, start - 1).lstrip()[:1] == "#":
        start -= 1
    above = line_at(lines, start - 1).strip()
    is_apart = start == 1 or not above or above.endswith(":")
    rows = [comments[row].strip("# ") for row in range(start, first)]
    is_heading = any(not LETTER.search(row) or row[:3] in {"---", "==="} for row in rows)
    if rows and (is_heading or not is_apart or start == 1):
        return None
    return start


def _blanks_above(row: int, lines: list[str]) -> int:
    """Return how many blank lines are right above a line."""
    count = 0
    while row - count > 1 and not line_at(lines, row - count - 1).strip():
        count += 1
    return count


def _blanks_below(row: int, lines: list[str]) -> int:
    """Return how many blank lines are right below a line."""
    count = 0
    while row + count < len(lines) and not line_at(lines, row + count + 1).strip():
        count += 1
    return count
