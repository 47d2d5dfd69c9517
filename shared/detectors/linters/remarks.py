"""Comments by which people tell linters to be silent, where they reach further than a line."""

import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from shared.detectors.linters.choices import fits
from shared.detectors.linters.pylint import codes_of
from shared.detectors.texts import LAYOUT_TOKENS

MAX_REMEMBERED_TEXTS = 512
NOQA = re.compile(
    r"#\s*noqa(?!\w)(?:\s*:\s*(?P<codes>[A-Z]+\d+(?:[,\s]+[A-Z]+\d+)*))?", re.IGNORECASE
)
PYLINT = re.compile(
    r"#.*?\bpylint:\s*(?P<what>disable-next|disable|skip-file)\b(?:\s*=\s*(?P<names>[\w\s,-]+))?"
)
EVERYTHING = ("ALL",)


@dataclass(frozen=True)
class Remark:
    """Codes that are not to be reported in the lines from `first` to `last`, counted from 1."""

    first: int
    last: int
    codes: tuple[str, ...]

    def silences(self, row: int, code: str) -> bool:
        """Return whether a finding in a line is not to be reported."""
        return self.first <= row <= self.last and fits(code, self.codes)


@dataclass(frozen=True)
class _Line:
    """A statement, the header of one, or a comment: its rows, indentation, and last token."""

    first: int
    last: int
    indent: int
    comments: tuple[str, ...]
    is_code: bool
    opens_block: bool


@lru_cache(maxsize=MAX_REMEMBERED_TEXTS)
def remarks(text: str) -> tuple[Remark, ...]:
    """Return what the comments of a Python source say; nothing past a syntax error.

    A `noqa` counts for the whole statement it is in. Pylint's comments count for the statement,
    with its block if it has one; alone on a line, for the rest of the block.
    """
    if not re.search(r"noqa|pylint:", text, re.IGNORECASE):
        return ()
    lines = list(_lines(text))
    return tuple(found for at in range(len(lines)) for found in _remarks_of(lines, at))


def _remarks_of(lines: Sequence[_Line], at: int) -> Iterator[Remark]:
    """Yield what the comments of one line say."""
    line = lines[at]
    for comment in line.comments:
        if found := NOQA.search(comment):
            codes = re.split(r"[,\s]+", found["codes"].upper()) if found["codes"] else EVERYTHING
            yield Remark(line.first, line.last, tuple(codes))
        if found := PYLINT.search(comment):
            names = re.split(r"[,\s]+", (found["names"] or "all").strip())
            codes = [code for name in names for code in codes_of(name)]
            first, last = _reach(lines, at, found["what"])
            yield Remark(first, last, tuple(codes))


def _reach(lines: Sequence[_Line], at: int, what: str) -> tuple[int, int]:
    """Return the first and last row for which a comment of pylint counts."""
    line, end = lines[at], lines[-1].last
    if what == "skip-file":
        return 1, end
    if what == "disable-next":
        following = next((each for each in lines[at + 1 :] if each.is_code), line)
        return following.first, following.last
    if line.is_code and not line.opens_block:
        return line.first, line.last
    limit = line.indent + 1 if line.is_code else line.indent
    after = (each.first for each in lines[at + 1 :] if each.is_code and each.indent < limit)
    return line.first, next(after, end + 1) - 1


def _lines(text: str) -> Iterator[_Line]:
    """Yield the statements, headers and comments of a text in order."""
    tokens: list[tokenize.TokenInfo] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            is_alone = not tokens and token.type == tokenize.COMMENT
            if token.type not in LAYOUT_TOKENS:
                tokens.append(token)
            if tokens and (is_alone or token.type == tokenize.NEWLINE):
                yield _line(tokens)
                tokens = []
    except (tokenize.TokenError, SyntaxError):
        return


def _line(tokens: Sequence[tokenize.TokenInfo]) -> _Line:
    """Return the line that consists of these tokens."""
    code = [each for each in tokens if each.type not in {tokenize.COMMENT, tokenize.NEWLINE}]
    return _Line(
        first=tokens[0].start[0],
        last=tokens[-1].start[0],
        indent=tokens[0].start[1],
        comments=tuple(each.string for each in tokens if each.type == tokenize.COMMENT),
        is_code=bool(code),
        opens_block=bool(code) and code[-1].string == ":",
    )
