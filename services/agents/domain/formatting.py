"""Formatting what a fix changed, as the target's formatter would, and nothing else."""

import io
import re
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cached_property, lru_cache

from shared.detectors.texts import LAYOUT_TOKENS, split_lines
from shared.kernel.sections import MAX_REMEMBERED_SECTIONS, same_program, split_sections

MAX_REMEMBERED_TEXTS = 64
# What formatters add, drop and replace.
STYLE = re.compile(r"[\s,()'\"\\]+")

Opcodes = Sequence[tuple[str, int, int, int, int]]


@dataclass(frozen=True)
class Formatted:
    """A text, and how the formatter writes it."""

    text: str
    neat: str


@dataclass(frozen=True)
class _Part:
    """A statement, the header of one, or a line of comment, with the blank lines before it.

    The last part of a text has the blank lines at its end, and nothing else.
    """

    text: str
    blanks: str

    @cached_property
    def words(self) -> str:
        """The text without what is a matter of style."""
        return STYLE.sub("", self.text)


def format_where_changed(before: Formatted, after: Formatted) -> str:
    """Return the text after a change, formatted where it differs from the text before.

    What was formatted as a whole before is so afterwards. Otherwise the statements that changed
    are, if they were before: where people lay code out in their own way, formatting would be a
    change beside the change. The text is returned as it is where that would change its meaning.
    """
    if before.text == before.neat and same_program(after.neat, after.text):
        return after.neat
    mixed = _mixed(before, after)
    return mixed if same_program(mixed, after.text) else after.text


def _mixed(before: Formatted, after: Formatted) -> str:
    """Return the new text, with the parts that changed as the formatter writes them."""
    new, neat = _parts(after.text), _parts(after.neat)
    changed, loose = _changes(before, new)
    mixed = ""
    for _, a, b, c, d in _by_words(new, neat):
        if b - a == d - c:
            for at, part, other in zip(range(a, b), new[a:b], neat[c:d], strict=True):
                mixed += other.blanks if at in loose else part.blanks
                mixed += other.text if at in changed else part.text
        else:
            taken = neat[c:d] if changed.issuperset(range(a, b)) else new[a:b]
            mixed += "".join(part.blanks + part.text for part in taken)
    return mixed


def _changes(before: Formatted, new: Sequence[_Part]) -> tuple[set[int], set[int]]:
    """Return the parts of a new text to be formatted, and those to have other blank lines.

    Both are indices. The latter are parts that have another one before or after them than they had,
    without those whose blank lines were not the formatter's before.
    """
    old, neat_parts = _parts(before.text), _parts(before.neat)
    neat = _formatted_parts(old, neat_parts)
    well_spaced = _well_spaced_parts(old, neat_parts)
    changed, loose = set[int](), set[int]()
    for tag, a, b, c, d in _opcodes([p.text for p in old], [p.text for p in new]):
        if tag == "equal":
            continue
        if neat.issuperset(range(a, b)):
            changed.update(range(c, d))
        if b - a != d - c:
            loose.update(range(c, d))
            if well_spaced.issuperset(range(a, b + 1)) or d == 0:
                loose.add(d)
    return changed, loose


def _formatted_parts(parts: Sequence[_Part], neat: Sequence[_Part]) -> set[int]:
    """Return the indices of the parts that the formatter leaves as they are."""
    return {
        a + n
        for tag, a, b, c, _ in _by_words(parts, neat)
        for n in range(b - a)
        if tag == "equal" and parts[a + n].text == neat[c + n].text
    }


def _well_spaced_parts(parts: Sequence[_Part], neat: Sequence[_Part]) -> set[int]:
    """Return the indices of the parts before which the formatter leaves the blank lines alone."""
    return {
        a + n
        for tag, a, b, c, _ in _by_words(parts, neat)
        for n in range(b - a)
        if tag == "equal" and parts[a + n].blanks == neat[c + n].blanks
    }


def _by_words(one: Sequence[_Part], other: Sequence[_Part]) -> Opcodes:
    """Return how two texts differ, except for style, as `SequenceMatcher` does."""
    return _opcodes([part.words for part in one], [part.words for part in other])


def _opcodes(one: Sequence[str], other: Sequence[str]) -> Opcodes:
    """Return the operations of `SequenceMatcher` that make one list of texts of the other."""
    return SequenceMatcher(None, one, other).get_opcodes()


@lru_cache(maxsize=MAX_REMEMBERED_TEXTS)
def _parts(text: str) -> tuple[_Part, ...]:
    """Return the parts of a text, which together are the text."""
    parts: list[_Part] = []
    blanks = ""
    for section in split_sections(text):
        first, *others = _parts_of_section(section.text)
        parts += [_Part(first.text, blanks + first.blanks) if blanks else first, *others]
        blanks = parts.pop().blanks
    return (*parts, _Part("", blanks))


@lru_cache(maxsize=MAX_REMEMBERED_SECTIONS)
def _parts_of_section(section: str) -> tuple[_Part, ...]:
    """Return the parts of a section of a text, which together are the section."""
    lines = split_lines(section)
    parts: list[_Part] = []
    end = 0
    for first, last in (*_spans(section), (len(lines), len(lines))):
        parts.append(_Part("".join(lines[first:last]), "".join(lines[end:first])))
        end = last
    return tuple(parts)


def _spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the lines of each statement or comment: (first, after last), from 0.

    There is none past a syntax error.
    """
    start: int | None = None
    try:
        for token in tokenize.generate_tokens(io.StringIO(text, newline="").readline):
            if token.type == tokenize.NEWLINE and start is not None:
                yield start, token.start[0]
                start = None
            elif start is None and token.type == tokenize.COMMENT:
                yield token.start[0] - 1, token.start[0]
            elif start is None and token.type not in LAYOUT_TOKENS:
                start = token.start[0] - 1
    except (tokenize.TokenError, SyntaxError):
        return
