"""The size of changes, and how they are split and listed so that people can read them."""

from collections.abc import Collection, Mapping
from difflib import SequenceMatcher

from shared.detectors.ports import Change
from shared.detectors.texts import split_lines

# More changed lines than a person reads in one go are split into several proposals.
MAX_READABLE_LINES = 300
MAX_LISTED_FILES = 4


def changed_lines(before: str, after: str) -> tuple[int, int]:
    """Return how many lines were added and removed."""
    old, new = split_lines(before), split_lines(after)
    added = removed = 0
    for tag, a, b, c, d in SequenceMatcher(None, old, new).get_opcodes():
        if tag != "equal":
            removed += b - a
            added += d - c
    return added, removed


def readable_parts(changes: Mapping[str, Change]) -> list[list[str]]:
    """Split the changed paths, in order, into parts of at most `MAX_READABLE_LINES` lines.

    A file with more lines than that is a part of its own.
    """
    parts: list[list[str]] = [[]]
    size = 0
    for path in sorted(changes):
        lines = sum(changed_lines(*changes[path]))
        if parts[-1] and size + lines > MAX_READABLE_LINES:
            parts.append([])
            size = 0
        parts[-1].append(path)
        size += lines
    return parts


def listed(paths: Collection[str]) -> str:
    """Return the first paths in words, and how many more there are."""
    names = ", ".join(sorted(paths)[:MAX_LISTED_FILES])
    more = len(paths) - MAX_LISTED_FILES
    return f"{names} and {more} more files" if more > 0 else names
