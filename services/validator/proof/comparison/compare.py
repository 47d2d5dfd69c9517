"""Whether two texts of a file are the same program."""

from __future__ import annotations

import ast
import warnings
from types import CodeType
from typing import Tuple  # noqa: UP035 - evaluated, also by Python 3.8

from .code_objects import Key, code_key, names_in
from .spellings import unify_spellings
from .statements import PARSE, Blocks, Piece, decode, split_blocks, split_class

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
        """Return the forms that were unified, () for none; None if not known to be one program."""
        if max(len(before), len(after)) > MAX_BYTES:
            return None
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return self._compare(before, after)
        except NOT_COMPARABLE:
            return None

    def _compare(self, before: bytes, after: bytes) -> Forms | None:
        """Compare two texts by the statements in which they differ. Raises what parsing raises."""
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
        """Return the blocks of a text, split once; None if it cannot be split."""
        if content not in self._blocks:
            self._blocks[content] = split_blocks(text)
        return self._blocks[content]


def _compare_pieces(pieces: list[Piece], flags: int) -> Forms | None:
    """Return the forms of all pieces together; None if one is not known to be the same program."""
    forms: set[str] = set()
    for each in pieces:
        found = _compare_divided(each, flags)
        if found is None:
            return None
        forms.update(found)
    return tuple(sorted(forms))


def _compare_divided(piece: Piece, flags: int) -> Forms | None:
    """Compare two classes by the statements in which their bodies differ, all else as it is.

    A class runs the statements of its body as a module does. They are compiled in a class of the
    same name, by which Python changes private names.
    """
    one, other = split_class(piece.before), split_class(piece.after)
    pieces = [] if one is None or other is None else one.body.aligned("".join(other.body.texts))
    is_whole = one is None or other is None or one.header != other.header
    if one is None or is_whole or any(each.first < one.body.head for each in pieces):
        return _compare_parts(piece.before, piece.after, flags)
    # Either part may have no statement of its own, and a text at its beginning is no docstring.
    start = f"class {one.name}:\n{one.indent}0\n"
    found = [_compare_parts(start + each.before, start + each.after, flags) for each in pieces]
    same = [each for each in found if each is not None]
    if len(same) < len(found):
        return None
    return tuple(sorted({form for each in same for form in each}))


def _compare_parts(before: str, after: str, flags: int) -> Forms | None:
    """Compare modules, or parts of such, under these flags; forms are those more often in one."""
    levels = _optimization_levels(before + after)
    codes = [(_compiled(before, flags, each), _compiled(after, flags, each)) for each in levels]
    if all(code_key(old) == code_key(new) for old, new in codes):
        return ()
    if any(names_in(old) != names_in(new) for old, new in codes):
        # No spelling changes which attributes and global names there are.
        return None
    one, forms_before = unify_spellings(PARSE(before))
    other, forms_after = unify_spellings(PARSE(after))
    if all(_key(one, flags, each) == _key(other, flags, each) for each in levels):
        return tuple(sorted((forms_before - forms_after) + (forms_after - forms_before)))
    return None


def _optimization_levels(text: str) -> tuple[int, ...]:
    """Return the levels of optimization (`-O`) that may compile a text differently."""
    return (0, 1) if "assert" in text or "__debug__" in text else (0,)


def _compiled(source: str | ast.Module, flags: int, level: int) -> CodeType:
    """Compile a module with these compiler flags, at an optimization level."""
    code: CodeType = compile(source, "", "exec", flags=flags, dont_inherit=True, optimize=level)
    return code


def _key(source: ast.Module, flags: int, level: int) -> Key:
    """Return a value that is equal for modules that are compiled to the same code."""
    return code_key(_compiled(source, flags, level))
