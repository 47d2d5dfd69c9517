"""Overlap of path patterns: whether two sets of patterns may match the same file."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

GLOB = frozenset("*?")
PLAIN = re.compile(r"[A-Za-z0-9_./*?+=@,~-]+")


def overlap(one: Sequence[str], other: Sequence[str]) -> bool:
    """Return whether a path may match both sets of patterns; if in doubt, they overlap.

    Patterns are gitignore-style. Two are certainly disjoint only if both are anchored and their
    segments at some depth cannot be equal.
    """
    return any(_may_match_same_path(a, b) for a in one for b in other)


def _may_match_same_path(a: str, b: str) -> bool:
    """Return whether one path may match both patterns; False only if that is impossible."""
    first, second = _parts(a), _parts(b)
    if first is None or second is None:
        return True
    for x, y in zip(first, second, strict=False):
        if "**" in (x, y):
            return True
        if not _may_equal(x, y):
            return False
    return True


def _parts(pattern: str) -> tuple[str, ...] | None:
    """Return the lower-case segments of an anchored plain pattern, None where nothing is certain.

    Brackets, escapes and negations can be read in more than one way.
    """
    anchored = pattern.startswith("/") or "/" in pattern.rstrip("/")
    if not anchored or not PLAIN.fullmatch(pattern):
        return None
    return tuple(pattern.lower().strip("/").split("/"))


def _may_equal(x: str, y: str) -> bool:
    """Return whether two path segments may match the same name; two globs always may."""
    if GLOB.isdisjoint(x):
        return x == y if GLOB.isdisjoint(y) else fnmatchcase(x, y)
    return True if not GLOB.isdisjoint(y) else fnmatchcase(y, x)
