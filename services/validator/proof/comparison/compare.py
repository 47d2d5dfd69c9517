"""Whether two texts of a file are the same program."""

from __future__ import annotations

import ast
import warnings
from typing import Tuple  # noqa: UP035 - evaluated, also by Python 3.8

from .code_objects import Key, code_key
from .spellings import unify_spellings
from .statements import Blocks, Piece, decode, split_blocks

# Larger files are not compared.
MAX_BYTES = 1 << 20
# Names of the equivalent spellings that two programs were reduced to; empty where none had to be.
Forms = Tuple[str, ...]  # noqa: UP006
NOT_COMPARABLE = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)


class Comparer:
    """Compares texts; what is known of a text is kept, as changes build on each other.

    A module runs its statements one after the other in one namespace. So two modules do the same if
    one results from the other by replacing statements by others that are compiled to the same code,
    as long as neither a docstring nor an import from `__future__` is among them.
    """

    def __init__(self) -> None:
        self._blocks: dict[bytes, Blocks | None] = {}

    def compare(self, before: bytes, after: bytes) -> Forms | None:
        """Return the forms that make two programs the same; None if they are not known to be."""
        if max(len(before), len(after)) > MAX_BYTES:
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self._compare(before, after)
        except NOT_COMPARABLE:
            return None

    def _compare(self, before: bytes, after: bytes) -> Forms | None:
        old, new = decode(before), decode(after)
        if old == new:
            return ()
        blocks = self._blocks_of(before, old)
        pieces = [] if blocks is None else blocks.aligned(new)
        known = None if blocks is None else blocks.with_pieces(pieces)
        if blocks is None or known is None:
            return _compare_parts(old, new, 0)
        self._blocks[after] = known
        return _compare_pieces(pieces, blocks.flags)

    def _blocks_of(self, content: bytes, text: str) -> Blocks | None:
        if content not in self._blocks:
            self._blocks[content] = split_blocks(text)
        return self._blocks[content]


def _compare_pieces(pieces: list[Piece], flags: int) -> Forms | None:
    forms: set[str] = set()
    for each in pieces:
        found = _compare_parts(each.before, each.after, flags)
        if found is None:
            return None
        forms.update(found)
    return tuple(sorted(forms))


def _compare_parts(before: str, after: str, flags: int) -> Forms | None:
    """Compare two modules, or parts of modules that are compiled with these flags."""
    levels = _optimization_levels(before + after)
    if all(_key(before, flags, each) == _key(after, flags, each) for each in levels):
        return ()
    one, forms_before = unify_spellings(ast.parse(before))  # noqa: TID251 - one thread
    other, forms_after = unify_spellings(ast.parse(after))  # noqa: TID251
    if all(_key(one, flags, each) == _key(other, flags, each) for each in levels):
        return tuple(sorted((forms_before - forms_after) + (forms_after - forms_before)))
    return None


def _optimization_levels(text: str) -> tuple[int, ...]:
    """Return the levels of optimization (`-O`) that may compile a text differently."""
    return (0, 1) if "assert" in text or "__debug__" in text else (0,)


def _key(source: str | ast.Module, flags: int, level: int) -> Key:
    code = compile(source, "", "exec", flags=flags, dont_inherit=True, optimize=level)
    return code_key(code)
