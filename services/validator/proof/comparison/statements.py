"""A text as blocks of complete statements, so that only those that differ need be compiled."""

from __future__ import annotations
import __future__

import ast
import io
import tokenize
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

Parse = Callable[[str], ast.Module]
PARSE: Parse = ast.parse  # noqa: TID251 - the program has one thread


class Piece(NamedTuple):
    """Differing parts of two texts, each of complete statements; `first` is a number of blocks.

    So many blocks stand before the part in the first text.
    """

    before: str
    after: str
    first: int


class Blocks(NamedTuple):
    """A text in blocks of complete top-level statements, with the blank lines before each.

    The first `head` blocks decide how the others are compiled: they hold the docstring and the
    imports from `__future__`, whose compiler flags are `flags`.
    """

    texts: list[str]
    head: int
    flags: int

    def aligned(self, text: str) -> list[Piece]:
        """Return the parts that differ in another text; what is between them is the same.

        Each block is looked for behind the one before it. Where a short one is found too late, the
        parts are larger than they need be, or do not parse; they are never wrong.
        """
        start, end = 0, len(self.texts)
        low, high = 0, len(text)
        while start < end and text.startswith(self.texts[start], low):
            low += len(self.texts[start])
            start += 1
        while start < end and high - len(self.texts[end - 1]) >= low:
            if not text.endswith(self.texts[end - 1], low, high):
                break
            high -= len(self.texts[end - 1])
            end -= 1
        return self._aligned_between(text[low:high], start, end)

    def _aligned_between(self, text: str, start: int, end: int) -> list[Piece]:
        """Return the parts in which these blocks and a text differ, as `aligned` does."""
        pieces, at, since = [], 0, start
        for number in range(start, end):
            found = _find_lines(text, self.texts[number], at)
            if found < 0:
                continue
            piece = Piece("".join(self.texts[since:number]), text[at:found], since)
            if piece.before != piece.after:
                pieces.append(piece)
            at, since = found + len(self.texts[number]), number + 1
        piece = Piece("".join(self.texts[since:end]), text[at:], since)
        return [*pieces, piece] if piece.before != piece.after else pieces

    def with_pieces(self, pieces: list[Piece], parse: Parse = PARSE) -> Blocks | None:
        """Return the blocks of the other text, made of these and `pieces`; None if one is invalid.

        It is also None if a piece is among those that decide how the others are compiled.
        """
        texts, at = [], 0
        for piece in pieces:
            split = split_blocks(piece.after, parse)
            if split is None or piece.first < self.head:
                return None
            texts += [*self.texts[at : piece.first], *split.texts]
            at = piece.first + _count_blocks(self.texts, piece)
        return self._replace(texts=[*texts, *self.texts[at:]])


def _count_blocks(texts: list[str], piece: Piece) -> int:
    """Return how many blocks of the first text a piece replaces."""
    size, number = 0, 0
    while size < len(piece.before):
        size += len(texts[piece.first + number])
        number += 1
    return number


def _find_lines(text: str, block: str, at: int) -> int:
    """Return where a block stands in a text at the beginning of a line; negative if nowhere."""
    found = text.find(block, at)
    while found > 0 and text[found - 1] != "\n":
        found = text.find(block, found + 1)
    return found


class ClassBlocks(NamedTuple):
    """A class: the lines before its body, the indent of the body, and the body in blocks."""

    name: str
    header: str
    indent: str
    body: Blocks


def decode(content: bytes) -> str:
    """Return a source file as text, each line ended by a line feed, as Python itself reads it.

    Raises SyntaxError or ValueError where its encoding is unknown, or not what it says.
    """
    encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
    text = content.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
    return text if text.endswith("\n") or not text else text + "\n"


def split_blocks(text: str, parse: Parse = PARSE) -> Blocks | None:
    """Return a text in blocks; None if it is not valid Python, or nested too deeply.

    `parse` is given where other threads may parse at the same time.
    """
    tree = _parsed(text, parse)
    return None if tree is None else _blocks(tree.body, _lines(text), 0)


def split_class(text: str) -> ClassBlocks | None:
    """Return the one class that a text consists of, with its body in blocks.

    None if it is anything else, or has no line of its own for its body.
    """
    tree = _parsed(text, PARSE)
    found = tree.body[0] if tree is not None and len(tree.body) == 1 else None
    if not isinstance(found, ast.ClassDef):
        return None
    lines, before = _lines(text), _first_line(found.body[0]) - 1
    if before < found.lineno or lines[before - 1].endswith("\\\n"):
        return None
    indent = lines[before][: len(lines[before]) - len(lines[before].lstrip())]
    return ClassBlocks(
        found.name, "".join(lines[:before]), indent, _blocks(found.body, lines, before)
    )


@lru_cache(maxsize=256)
def _parsed(text: str, parse: Parse) -> ast.Module | None:
    """Return the tree of a text, parsed once; None if it is not valid Python."""
    try:
        return parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _lines(text: str) -> list[str]:
    """Return the lines of a text with their line ends; only a line feed ends a line."""
    lines = text.split("\n")
    return [each + "\n" for each in lines[:-1]] + [each for each in lines[-1:] if each]


def _blocks(nodes: list[ast.stmt], lines: list[str], at: int) -> Blocks:
    """Divide the lines after the first `at` ones at the ends of these statements."""
    texts: list[str] = []
    head = flags = 0
    for number, node in enumerate(nodes):
        end = node.end_lineno or 0
        if end > at and _first_line(node) > at and not _is_continued(texts):
            texts.append("".join(lines[at:end]))
            at = end
        elif texts and end >= at:
            # It shares a line with the statement before it, so both are one block.
            texts[-1] += "".join(lines[at:end])
            at = end
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            flags |= _flags(node)
            head = len(texts)
        head = max(head, 1) if number == 0 else head
    if _is_continued(texts):
        texts[-1] += "".join(lines[at:])
    elif at < len(lines):
        texts.append("".join(lines[at:]))
    return Blocks(texts, head, flags)


def _is_continued(texts: list[str]) -> bool:
    """Return true if the last line so far ends in a backslash, and so needs what follows."""
    return bool(texts) and texts[-1].endswith("\\\n")


def _first_line(node: ast.stmt) -> int:
    """Return the first line of a statement, including its decorators."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(each.lineno for each in decorators)])


def _flags(node: ast.ImportFrom) -> int:
    """Return the compiler flags that an import from `__future__` sets."""
    flags = 0
    for each in node.names:
        feature = getattr(__future__, each.name, None)
        flags |= int(getattr(feature, "compiler_flag", 0))
    return flags
