"""Whether two sets of path patterns can ever mean the same file."""

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

GLOB = frozenset("*?")
PLAIN = re.compile(r"[A-Za-z0-9_./*?+=@,~-]+")


def overlap(one: Sequence[str], other: Sequence[str]) -> bool:
    """True unless it is certain that no path is covered by both; when in doubt they overlap.

    Patterns are gitignore-style. Two are surely disjoint only where both are anchored and a
    directory or name of one cannot be that of the other at the same depth.
    """
    return any(_pair(a, b) for a in one for b in other)


def _pair(a: str, b: str) -> bool:
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
    """Directories and name; None where nothing is certain.

    That is a pattern that is not anchored, takes something out, or is written with more than plain
    names, `*` and `?`: there is more than one way to read brackets, escapes and folded letters.
    """
    anchored = pattern.startswith("/") or "/" in pattern.rstrip("/")
    if not anchored or not PLAIN.fullmatch(pattern):
        return None
    return tuple(pattern.lower().strip("/").split("/"))


def _may_equal(x: str, y: str) -> bool:
    if GLOB.isdisjoint(x):
        return x == y if GLOB.isdisjoint(y) else fnmatchcase(x, y)
    return True if not GLOB.isdisjoint(y) else fnmatchcase(y, x)
