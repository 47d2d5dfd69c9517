"""A Python text in sections: complete statements of a module or a class, each of them parsed once.

Versions of a file differ in few of their sections. What is known of a section is remembered by its
text, so that one more version costs no more than what changed in it.
"""

import ast
import copy
import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain, pairwise
from typing import NamedTuple

from shared.kernel.syntax import MAX_SOURCE_LENGTH, parse

MAX_SECTIONS = 1_000
MAX_REMEMBERED_TEXTS = 128
MAX_REMEMBERED_SECTIONS = 8192
# Where a statement may begin. None does at a comment, which may be in the middle of a block, at a
# closing bracket, or at a clause of the statement before it.
BEGINNING = re.compile(r"^(?!(?:elif|else|except|finally)\b)[^\s#)\]}]", re.MULTILINE)
LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n|\Z)")
LINE_END = re.compile(r"\r\n?|\n")
# What may name another encoding than UTF-8 in the first two lines (PEP 263).
CODING = re.compile(rb"(?:[^\r\n]*(?:\r\n?|\n))?[^\r\n]*coding")
BYTE_ORDER_MARK = "\ufeff"
# In place of the class, for what is in its body.
BLOCK = "if 1:\n"


class TextSection(NamedTuple):
    """Complete statements with the lines above or below them that belong to none.

    They are at the top level or, with `in_class`, go on with the body of the class before them.
    """

    text: str
    in_class: bool = False


def plain_text(content: bytes) -> str | None:
    """Return Python source as text, without its byte order mark.

    What may be in another encoding than UTF-8, or cannot be parsed for its length or bytes, is
    None.
    """
    if len(content) > MAX_SOURCE_LENGTH or b"\0" in content or CODING.match(content):
        return None
    try:
        return content.decode().removeprefix(BYTE_ORDER_MARK)
    except UnicodeDecodeError:
        return None


@lru_cache(maxsize=MAX_REMEMBERED_TEXTS)
def split_sections(text: str) -> tuple[TextSection, ...]:
    """Return the sections of a text, whose texts together are the text.

    Only the last one may be invalid; it then has all that follows the last valid one. A text with
    very many statements is one section, as they cost more one by one than all at once.
    """
    # What is above the first statement is in its section.
    starts = [each.start() for each in BEGINNING.finditer(text)][1:]
    if len(starts) > MAX_SECTIONS or len(text) > MAX_SOURCE_LENGTH:
        return (TextSection(text),)
    bounds = [0, *starts, len(text)]
    sections: list[TextSection] = []
    first = 0
    while first < len(bounds) - 1:
        end = _end_of_statement(text, bounds, first)
        whole = text[bounds[first] : bounds[end]]
        sections += _divided(whole) or (TextSection(whole),)
        first = end
    return tuple(sections)


def _end_of_statement(text: str, bounds: list[int], first: int) -> int:
    """Return the index of the bound at which the statement ends that begins at another bound.

    What cannot be parsed is no complete statement, such as a decorator or the first lines of a
    string. Then twice as much is tried.
    """
    size, last = 1, len(bounds) - 1
    while first + size < last:
        if _divided(text[bounds[first] : bounds[first + size]]) is not None:
            return first + size
        size *= 2
    return last


@lru_cache(maxsize=MAX_REMEMBERED_SECTIONS)
def _divided(text: str) -> tuple[TextSection, ...] | None:
    """Return the sections of a text with top-level statements; None if it is invalid.

    A class has its first statement in the first section, and one for each of the others.
    """
    tree = _parsed(text)
    if tree is None:
        return None
    if len(tree.body) != 1 or not isinstance(tree.body[0], ast.ClassDef):
        return (TextSection(text),)
    lines, body = LINE.findall(text), tree.body[0].body
    starts = [_first_row(each) for after, each in pairwise(body) if _is_apart(after, each, lines)]
    return tuple(
        TextSection("".join(lines[start:end]), in_class=start > 0)
        for start, end in pairwise([0, *starts, len(lines)])
    )


def _is_apart(after: ast.stmt, node: ast.stmt, lines: list[str]) -> bool:
    """Return whether a statement has lines of its own, not begun by those of the one before it."""
    row = _first_row(node)
    return row >= (after.end_lineno or 0) and not lines[row - 1].rstrip("\r\n").endswith("\\")


def _first_row(node: ast.stmt) -> int:
    """Return the first row of a statement, including its decorators, counted from 0."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)]) - 1


def _parsed(text: str, version: tuple[int, int] | None = None) -> ast.Module | None:
    """Return the tree of a text, in the syntax of that version; None if it is invalid."""
    try:
        return parse(text, version)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def is_complete(section: TextSection) -> bool:
    """Return whether a section of a text can be parsed."""
    return section.in_class or _divided(section.text) is not None


def is_valid(text: str, version: tuple[int, int] | None = None) -> bool:
    """Return whether a text can be parsed, by a Python of that version if one is given."""
    sections = split_sections(text)
    if version is None:
        return all(map(is_complete, sections[-1:]))
    return all(_has_syntax(each, version) for each in sections)


@lru_cache(maxsize=MAX_REMEMBERED_SECTIONS)
def _has_syntax(section: TextSection, version: tuple[int, int]) -> bool:
    """Return whether a Python of that version can parse a section."""
    return _parsed(f"{BLOCK if section.in_class else ''}{section.text}", version) is not None


def parse_by_sections(text: str) -> ast.Module:
    """Parse a text, as `parse` does and with what it raises, but anew only what is not known yet.

    Its statements are shared: nobody may change them.
    """
    statements: list[ast.stmt] = []
    rows = 0
    for section in split_sections(text):
        found = _remembered_statements(section, rows)
        if found is None:
            return parse(text)
        owner = statements[-1] if section.in_class else None
        if isinstance(owner, ast.ClassDef):
            owner.body += found
            owner.end_lineno = found[-1].end_lineno
            owner.end_col_offset = found[-1].end_col_offset
        else:
            statements += map(_with_own_body, found)
        rows += count_rows(section.text)
    return ast.Module(statements, type_ignores=[])


@lru_cache(maxsize=MAX_REMEMBERED_SECTIONS)
def _remembered_statements(section: TextSection, rows_above: int) -> tuple[ast.stmt, ...] | None:
    """Return the statements of a section below so many rows; None if it is invalid."""
    return _statements(section, rows_above)


def statements_of(section: TextSection) -> tuple[ast.stmt, ...]:
    """Return the statements of a section, with rows of their own; none if it is invalid.

    They are shared: nobody may change them.
    """
    return _remembered_statements(section, int(section.in_class)) or ()


def _statements(section: TextSection, rows_above: int) -> tuple[ast.stmt, ...] | None:
    """Return the statements of a section below so many rows; None if it is invalid.

    There has to be a row above what is in a class.
    """
    if not section.in_class:
        tree = _parsed("\n" * rows_above + section.text)
        return None if tree is None else tuple(tree.body)
    tree = _parsed("\n" * (rows_above - 1) + BLOCK + section.text)
    block = None if tree is None else tree.body[0]
    return tuple(block.body) if isinstance(block, ast.If) else None


def _with_own_body(node: ast.stmt) -> ast.stmt:
    """Return a class with a body that may be changed; any other statement as it is."""
    if not isinstance(node, ast.ClassDef):
        return node
    own = copy.copy(node)
    own.body = [*node.body]
    return own


def count_rows(text: str) -> int:
    """Return how many lines end in a text, as Python counts them."""
    return len(LINE_END.findall(text))


def same_program(one: str, other: str) -> bool:
    """Return whether two texts have the same syntax tree; False if either of them has none."""
    if one == other:
        return True
    if not (is_valid(one) and is_valid(other)):
        return False
    try:
        return _digests(one) == _digests(other)
    except RecursionError:
        return False


def _digests(text: str) -> list[str]:
    """Return digests of all statements at the top level and in classes there, without layout.

    Raises RecursionError.
    """
    return [*chain.from_iterable(map(_digests_of_section, split_sections(text)))]


@lru_cache(maxsize=MAX_REMEMBERED_SECTIONS)
def _digests_of_section(section: TextSection) -> tuple[str, ...]:
    """Return the digests of the statements in a section. Raises RecursionError."""
    nodes = statements_of(section)
    if section.in_class:
        return tuple(_digest("member", each) for each in nodes)
    return tuple(chain.from_iterable(map(_digests_of_statement, nodes)))


def _digests_of_statement(node: ast.stmt) -> Iterator[str]:
    """Yield the digest of a statement; of a class, those of its header and of each member."""
    if not isinstance(node, ast.ClassDef):
        yield _digest("statement", node)
        return
    header = copy.copy(node)
    header.body = []
    yield _digest("class", header)
    yield from (_digest("member", each) for each in node.body)


def _digest(kind: str, node: ast.stmt) -> str:
    """Return a digest of what a statement says, without its layout. Raises RecursionError."""
    dumped = f"{kind} {ast.dump(node)}"
    return hashlib.sha256(dumped.encode(errors="surrogatepass")).hexdigest()
