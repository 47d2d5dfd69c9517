"""Reads the file that `asv run` writes to its results directory, `<commit>-<environment>.json`.

The file has no units: a benchmark's kind, and so its unit, follows from the prefix of its name
(asv's manual, "Writing benchmarks"). Benchmarks named `track_…` are left out, since only asv's
other files have their unit. A benchmark with parameters has one value for each combination of them,
the last parameter changing fastest.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from services.validator.benchmarks.adapters.measurements import (
    UnreadableOutputError,
    gathered,
    loaded,
    reading,
)
from services.validator.benchmarks.domain.measurements import BenchmarkUnit, Measurement

TOOL = "asv"
UNITS = {
    BenchmarkUnit.SECONDS: ("time_", "timeraw_", "Time", "Timeraw"),
    BenchmarkUnit.BYTES: ("mem_", "peakmem_", "Mem", "PeakMem"),
}


def is_it(body: Any) -> bool:
    """Return True if JSON looks like the output of asv."""
    return isinstance(body, dict) and "result_columns" in body and "results" in body


def read(content: bytes) -> dict[str, Measurement]:
    """Return values by `name[parameters]`, without failed ones. Raises `UnreadableOutputError`."""
    body = loaded(content, TOOL)
    if not is_it(body):
        raise UnreadableOutputError("The JSON of asv has no results with their columns.")
    try:
        column = {name: number for number, name in enumerate(body["result_columns"])}
        found = [
            each
            for name, row in body["results"].items()
            for each in _row(name, row[column["result"]], row[column["params"]])
        ]
    except (KeyError, TypeError, IndexError, AttributeError) as error:
        raise UnreadableOutputError(f"The JSON of asv is damaged: {error!r}.") from error
    return gathered(found, TOOL)


def _row(
    name: str, values: Sequence[Any] | None, params: Sequence[Sequence[str]]
) -> Iterator[tuple[str, Measurement]]:
    """Yield a benchmark's (name with parameters, measurement) if it has a unit and did not fail."""
    unit = _unit(name)
    if unit is None or values is None:
        return
    for value, given in zip(values, product(*params), strict=False):
        if value is not None and not (isinstance(value, float) and math.isnan(value)):
            yield reading(f"{name}[{', '.join(given)}]" if given else name, value, unit)


def _unit(name: str) -> BenchmarkUnit | None:
    """Return the unit that follows from a benchmark's name; None for a kind that is left out."""
    function = name.rpartition(".")[2]
    return next((unit for unit, kinds in UNITS.items() if function.startswith(kinds)), None)
