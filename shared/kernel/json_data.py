"""JSON of unknown origin, read within bounds that no honest document exceeds."""

import json
from typing import Any, NoReturn

MAX_DEPTH = 64


def read_json(body: bytes | str) -> Any:
    """Return the value of a JSON document. Raises ValueError, also where it is nested too deeply.

    Python's own parser raises RecursionError instead, and what is just within its limit makes the
    next function fail that walks over the value.
    """
    try:
        value = json.loads(body, parse_constant=_refuse_constant)
    except RecursionError:
        raise _too_deep() from None
    if _opened(body) > MAX_DEPTH and is_deeper(value, MAX_DEPTH):
        raise _too_deep()
    return value


def _refuse_constant(name: str) -> NoReturn:
    """Raise ValueError for NaN and Infinity, which Python's parser would accept."""
    raise ValueError(f"{name} is not a value of JSON")


def _too_deep() -> ValueError:
    """Return the error for a document that is nested too deeply."""
    return ValueError(f"it is nested more than {MAX_DEPTH} levels deep")


def _opened(body: bytes | str) -> int:
    """Return how many containers a document opens, a cheap upper bound of its depth."""
    if isinstance(body, str):
        return body.count("[") + body.count("{")
    return body.count(b"[") + body.count(b"{")


def is_deeper(value: Any, depth: int) -> bool:
    """Return whether a value contains containers below `depth` levels of them."""
    level = [value]
    for _ in range(depth):
        level = [
            item
            for each in level
            if isinstance(each, dict | list)
            for item in (each.values() if isinstance(each, dict) else each)
        ]
        if not level:
            return False
    return any(isinstance(each, dict | list) for each in level)
