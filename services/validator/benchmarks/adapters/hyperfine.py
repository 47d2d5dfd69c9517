"""Reads what `hyperfine --export-json` writes; times are in seconds."""

from typing import Any

from services.validator.benchmarks.adapters.measurements import (
    UnreadableOutputError,
    gathered,
    loaded,
    reading,
)
from services.validator.benchmarks.domain.measurements import BenchmarkUnit, Measurement

TOOL = "hyperfine"


def is_it(body: Any) -> bool:
    """Return True if JSON looks like the output of hyperfine."""
    return (
        isinstance(body, dict)
        and isinstance(body.get("results"), list)
        and all(isinstance(each, dict) and "command" in each for each in body["results"])
    )


def read(content: bytes) -> dict[str, Measurement]:
    """Return the medians by command with parameters. Raises `UnreadableOutputError`."""
    body = loaded(content, TOOL)
    if not is_it(body):
        raise UnreadableOutputError(
            "The JSON of hyperfine has no list of results with their commands."
        )
    try:
        found = [
            reading(_name(each), each["median"], BenchmarkUnit.SECONDS) for each in body["results"]
        ]
    except (KeyError, AttributeError) as error:
        raise UnreadableOutputError(f"The JSON of hyperfine is damaged: {error!r}.") from error
    return gathered(found, TOOL)


def _name(result: Any) -> str:
    """Return a result's command, with its parameters in brackets if it has any."""
    given = ", ".join(f"{name}={value}" for name, value in (result.get("parameters") or {}).items())
    return f"{result['command']} [{given}]" if given else str(result["command"])
