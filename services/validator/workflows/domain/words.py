"""The outcome of a comparison in words."""

from collections.abc import Sequence

MAX_LISTED_NODES = 5


def summarize(what: str, not_run: Sequence[str], unstable: Sequence[str]) -> str:
    """Return in words that nodes return the same, and which could not be compared."""
    parts = [f"{what}, with pinned data"]
    if not_run:
        parts.append(f"not run, as they reach outside: {listed(not_run)}")
    if unstable:
        parts.append(f"different each time: {listed(unstable)}")
    return "; ".join(parts)


def listed(names: Sequence[str]) -> str:
    """Return the first names, and the number of the others."""
    more = len(names) - MAX_LISTED_NODES
    shown = ", ".join(repr(each) for each in names[:MAX_LISTED_NODES])
    return f"{shown} and {more} more" if more > 0 else shown
