"""Ids as people type them: complete, or abbreviated to their last characters."""

import re
from collections.abc import Collection

from shared.kernel.ids import SHORT_ID_CHARACTERS

ID_CHARACTERS = 36
MIN_TYPED_CHARACTERS = 6
ID_PART = re.compile(r"[0-9a-f-]+")


def is_complete_id(typed: str) -> bool:
    """Return whether `typed` has the length of a complete id."""
    return len(typed) == ID_CHARACTERS


def is_id_suffix(typed: str) -> bool:
    """Return whether `typed` can be the end of an id and is long enough to be looked up."""
    long_enough = MIN_TYPED_CHARACTERS <= len(typed) <= ID_CHARACTERS
    return long_enough and ID_PART.fullmatch(typed) is not None


def distinct_suffixes(ids: Collection[str]) -> list[str]:
    """Return the ends of these ids: as long as a short id, or longer until all are different."""
    lengths = range(SHORT_ID_CHARACTERS, ID_CHARACTERS)
    enough = (n for n in lengths if len({each[-n:] for each in ids}) == len(ids))
    length = next(enough, ID_CHARACTERS)
    return [each[-length:] for each in ids]
