"""Functions that all readers of benchmark results share. What they read is untrusted data."""

import json
import math
from collections.abc import Iterable
from statistics import median
from typing import Any

from services.validator.benchmarks.domain.measurements import BenchmarkUnit, Measurement

MAX_JSON_BYTES = 32 * 1024 * 1024
MAX_BENCHMARKS = 1000
MAX_NAME_CHARS = 300


class UnreadableOutputError(Exception):
    """The output of a benchmark command cannot be read, for the reason in the message."""


def loaded(content: bytes, tool: str) -> Any:
    """Parse the JSON of a tool. Raises `UnreadableOutputError` if it is too large or none."""
    if len(content) > MAX_JSON_BYTES:
        size = len(content) / 2**20
        raise UnreadableOutputError(
            f"The JSON of {tool} has {size:.0f} MiB, more than {MAX_JSON_BYTES >> 20} MiB."
        )
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UnreadableOutputError(f"The JSON of {tool} is none: {error}.") from error


def reading(
    name: str, value: object, unit: BenchmarkUnit, scale: float = 1.0
) -> tuple[str, Measurement]:
    """Return a name, shortened, and its value, scaled to its unit.

    Raises `UnreadableOutputError` if it is no positive, finite number, since it cannot be compared.
    """
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise UnreadableOutputError(
            f"{name[:MAX_NAME_CHARS]} has no number as its value but {str(value)[:40]!r}."
        )
    try:
        scaled = float(value) * scale
    except OverflowError:
        scaled = math.inf
    if not (math.isfinite(scaled) and scaled > 0):
        raise UnreadableOutputError(
            f"{name[:MAX_NAME_CHARS]} has the value {value}; it has to be above 0."
        )
    return name[:MAX_NAME_CHARS], Measurement(scaled, unit)


def gathered(found: Iterable[tuple[str, Measurement]], tool: str) -> dict[str, Measurement]:
    """Group values by name, taking the median of several with one name.

    Raises `UnreadableOutputError` if there are none, too many, or different units under one name.
    """
    by_name: dict[str, list[Measurement]] = {}
    for name, each in found:
        by_name.setdefault(name, []).append(each)
        if len(by_name) > MAX_BENCHMARKS:
            raise UnreadableOutputError(f"{tool} named more than {MAX_BENCHMARKS} benchmarks.")
    if not by_name:
        raise UnreadableOutputError(f"{tool} named no benchmark.")
    mixed = [name for name, several in by_name.items() if len({e.unit for e in several}) > 1]
    if mixed:
        raise UnreadableOutputError(f"{mixed[0]} has values in different units.")
    return {
        name: Measurement(median(each.value for each in several), several[0].unit)
        for name, several in by_name.items()
    }
