"""Reads what `pytest --benchmark-json` writes; times are in seconds."""

from typing import Any

from services.validator.benchmarks.adapters.measurements import (
    UnreadableOutputError,
    gathered,
    loaded,
    reading,
)
from services.validator.benchmarks.domain.measurements import BenchmarkUnit, Measurement

TOOL = "pytest-benchmark"


def is_it(body: Any) -> bool:
    """Return True if JSON looks like the output of pytest-benchmark."""
    return isinstance(body, dict) and isinstance(body.get("benchmarks"), list)


def read(content: bytes) -> dict[str, Measurement]:
    """Return the median of each benchmark by its full name. Raises `UnreadableOutputError`."""
    body = loaded(content, TOOL)
    if not is_it(body):
        raise UnreadableOutputError("The JSON of pytest-benchmark has no list of benchmarks.")
    try:
        found = [
            reading(str(each["fullname"]), each["stats"]["median"], BenchmarkUnit.SECONDS)
            for each in body["benchmarks"]
        ]
    except (KeyError, TypeError) as error:
        raise UnreadableOutputError(
            f"The JSON of pytest-benchmark is damaged: {error!r}."
        ) from error
    return gathered(found, TOOL)
