"""Where path patterns stand in the tree of paths."""

import re
import unicodedata
from dataclasses import dataclass
from itertools import takewhile

SPECIAL = re.compile(r"[*?\[\]\\]")
GLOBS = re.compile(r"(?<!\\)[*?\[\]]")
ESCAPED = re.compile(r"\\(.)")
BLANK_AT_END = re.compile(r"(?<!\\)\s+$")

# What such a segment leads to, if anywhere, is not certain.
ODD_NAMES = frozenset({"", ".", ".."})

Segments = tuple[str, ...]


@dataclass(frozen=True)
class PathPlace:
    """A file or folder, by the names that lead to it from the root.

    It is `exact` if a pattern covers just it and what is below it; else the pattern covers some of
    that, and the place is its longest prefix without globs.
    """

    segments: Segments
    exact: bool = True


EVERYWHERE = PathPlace((), exact=False)


def place_of(pattern: str) -> PathPlace:
    """Return the place of a gitignore-style pattern; the root where it may match anywhere.

    Names are compared without regard to case and composition, as some file systems do.
    """
    text = BLANK_AT_END.sub("", pattern)
    if text.startswith(("!", "#")) or "/" not in text.rstrip("/"):
        return EVERYWHERE
    segments = unicodedata.normalize("NFC", text).casefold().strip("/").split("/")
    if not SPECIAL.search(text) and ODD_NAMES.isdisjoint(segments):
        return PathPlace(tuple(segments))
    plain = [ESCAPED.sub(r"\1", each) for each in takewhile(_is_plain, segments)]
    return PathPlace(tuple(plain), exact=len(plain) == len(segments))


def _is_plain(segment: str) -> bool:
    """Return whether a segment of a pattern is one name, perhaps with escaped characters."""
    name = ESCAPED.sub(r"\1", segment)
    is_glob = GLOBS.search(segment) or "\\" in name or segment.endswith("\\")
    return not is_glob and name not in ODD_NAMES
