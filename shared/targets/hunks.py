"""Where the hunks of a patch apply in a text, and the text that they make of it."""

from collections.abc import Sequence

from shared.targets.patches import Hunk


def apply_hunks(content: bytes, hunks: Sequence[Hunk]) -> bytes | None:
    """Return `content` with every hunk applied; None if one does not fit."""
    lines = split_lines(content)
    places = place_hunks(lines, hunks)
    if places is None:
        return None
    for start, hunk in reversed([*zip(places, hunks, strict=True)]):
        lines[start : start + len(hunk.old)] = hunk.new
    return b"".join(lines)


def place_hunks(lines: list[bytes], hunks: Sequence[Hunk]) -> tuple[int, ...] | None:
    """Return the index in `lines` at which each hunk applies, in order; None if one does not fit.

    As in `git apply`, the old lines must match exactly (no fuzz), and the search goes outward from
    the line that the hunk names, moved as the hunk before it was. Unlike in `git apply`, a hunk of
    the first line may have moved too: a change that added lines above it may have been rejected.
    """
    places: list[int] = []
    offset, floor = 0, 0
    for hunk in hunks:
        start = _find(lines, hunk.old, hunk.start + offset, floor)
        if start is None:
            return None
        places.append(start)
        offset, floor = start - hunk.start, start + len(hunk.old)
    return tuple(places)


def split_lines(content: bytes) -> list[bytes]:
    """Split into lines with their line ends; as in git, only a line feed ends a line."""
    lines = content.split(b"\n")
    ended = [line + b"\n" for line in lines[:-1]]
    return [*ended, lines[-1]] if lines[-1] else ended


def _find(lines: list[bytes], old: Sequence[bytes], wanted: int, floor: int) -> int | None:
    """Return the index of `old` in `lines` that is nearest to `wanted`, from `floor`; else None.

    Without old lines that is `wanted` itself, which is 0 only for an empty file.
    """
    if not old:
        return wanted if floor <= wanted <= len(lines) and (wanted == 0) == (not lines) else None
    last = len(lines) - len(old)
    wanted = min(max(wanted, floor), max(last, floor))
    for distance in range(max(wanted - floor, last - wanted, 0) + 1):
        for start in {wanted + distance, wanted - distance}:
            if floor <= start <= last and lines[start : start + len(old)] == list(old):
                return start
    return None
