"""TOML of unknown origin, read within the bounds of `shared.kernel.json_data`."""

import tomllib
from typing import Any

from shared.kernel.json_data import MAX_DEPTH, is_deeper


def read_toml_text(content: bytes) -> dict[str, Any]:
    """Return the tables of a TOML document. Raises ValueError, also where it is nested too deeply.

    Python's own parser raises RecursionError instead.
    """
    try:
        tables = tomllib.loads(content.decode())
    except RecursionError:
        raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep") from None
    if is_deeper(tables, MAX_DEPTH):
        raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")
    return tables
