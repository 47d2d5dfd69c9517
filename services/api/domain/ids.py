"""Ids as people see and type them.

UUIDv7s made together share their beginning, so the short id is the end.
"""

import re

SHORT = 8
FEWEST = 6
TYPED = re.compile(r"^[0-9a-f-]+$")


def short(full: str) -> str:
    """The id as it is shown."""
    return full[-SHORT:]


def is_full(typed: str) -> bool:
    """Whether `typed` can be a whole id."""
    return len(typed) == 36  # noqa: PLR2004 - a UUID's length


def is_suffix(typed: str) -> bool:
    """Whether `typed` can be the end of an id, and is long enough to mean one."""
    return FEWEST <= len(typed) <= 36 and bool(TYPED.match(typed))  # noqa: PLR2004
