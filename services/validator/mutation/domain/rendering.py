"""Writes mutants into the text of a file."""

import warnings
from collections.abc import Sequence

from services.validator.mutation.domain.mutants import NUMBER
from services.validator.mutation.domain.plan import PlacedMutant
from services.validator.mutation.domain.source_code import Code

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def write_mutants(
    original: bytes, code: Code, mutants: Sequence[PlacedMutant]
) -> tuple[str | None, list[PlacedMutant]]:
    """Return the text with these mutants, and those of them that are in it.

    A mutant with which the text is not valid Python is left out. The text is None if no mutant
    changes it.
    """
    good = list(mutants)
    if not _is_valid(code, good):
        good = []
        for each in mutants:
            if _is_valid(code, [*good, each]):
                good.append(each)
    visible = [each for each in good if each.mutant.before]
    if not visible:
        return None, good
    mark = "\ufeff" if original.startswith(BYTE_ORDER_MARK) else ""
    return mark + render(code.text, visible).decode(), good


def _is_valid(code: Code, mutants: Sequence[PlacedMutant]) -> bool:
    """Return true if the text with these mutants is Python and has as many lines as before."""
    text = render(code.text, mutants)
    if text.count(b"\n") != code.text.count(b"\n"):
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "mutated", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError):
        return False
    return True


def render(text: bytes, mutants: Sequence[PlacedMutant]) -> bytes:
    """Return the text with these mutants in it, which may be nested."""
    visible = [each for each in mutants if each.mutant.before]
    return _render(text, 0, len(text), sorted(visible, key=_outermost_first))


def _outermost_first(placed: PlacedMutant) -> tuple[int, bool, int, int]:
    """Return a sort key by which a mutant comes before those that it surrounds.

    One that only stands before something comes ahead of one that surrounds it.
    """
    mutant = placed.mutant
    return (mutant.start, mutant.start != mutant.end, -mutant.end, placed.id)


def _render(text: bytes, start: int, end: int, mutants: Sequence[PlacedMutant]) -> bytes:
    """Return the bytes from `start` to `end` with sorted mutants in them, nested ones inside."""
    parts, at, number = [], start, 0
    while number < len(mutants):
        each = mutants[number]
        mutant = each.mutant
        last = number + 1
        while last < len(mutants) and mutants[last].mutant.start < mutant.end:
            last += 1
        inner = _render(text, mutant.start, mutant.end, mutants[number + 1 : last])
        before = mutant.before.replace(NUMBER, str(each.id)).encode()
        parts += [text[at : mutant.start], before, inner, mutant.after.encode()]
        at, number = mutant.end, last
    return b"".join([*parts, text[at:end]])
