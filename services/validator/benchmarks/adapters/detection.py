"""Choosing the reader for the results of a benchmark command."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from services.validator.benchmarks.adapters import asv, hyperfine, lines, pytest_benchmark
from services.validator.benchmarks.adapters.measurements import UnreadableOutputError, loaded
from services.validator.benchmarks.domain.measurements import Measurement

AUTO, LINES = "auto", "lines"
Reader = Callable[[bytes], dict[str, Measurement]]
# A reader raises `UnreadableOutputError`.
# The readers of JSON files, each with the function that recognises its format.
JSON: Mapping[str, tuple[Callable[[Any], bool], Reader]] = {
    "pytest-benchmark": (pytest_benchmark.is_it, pytest_benchmark.read),
    "asv": (asv.is_it, asv.read),
    "hyperfine": (hyperfine.is_it, hyperfine.read),
}


@dataclass(frozen=True)
class CommandOutput:
    """What a command printed, and the result file that it wrote; None if it wrote none."""

    printed: str
    file: bytes | None


def read(output: CommandOutput, format_: str) -> dict[str, Measurement]:
    """Return the measurements by name, in a format of `[bench]`.

    Raises `UnreadableOutputError`.
    """
    if format_ == LINES:
        return lines.read(output.file if output.file is not None else output.printed.encode())
    if format_ == AUTO:
        return _read_any(output)
    return JSON[format_][1](_json_of(output, format_))


def _read_any(output: CommandOutput) -> dict[str, Measurement]:
    """Read output of any format: the file, or without one what was printed; JSON, or else lines."""
    content = output.file if output.file is not None else output.printed.encode()
    if not content.lstrip().startswith(b"{"):
        return lines.read(content)
    body = loaded(content, "the command")
    for knows, reader in JSON.values():
        if knows(body):
            return reader(content)
    names = ", ".join(JSON)
    raise UnreadableOutputError(f"The command left JSON, but not of a form that is known: {names}.")


def _json_of(output: CommandOutput, format_: str) -> bytes:
    """Return the JSON that a command wrote, or else printed. Raises `UnreadableOutputError`."""
    if output.file is not None:
        return output.file
    if output.printed.lstrip().startswith("{"):
        return output.printed.encode()
    raise UnreadableOutputError(
        f"The command left no JSON of {format_} where GROUNDSWELL_BENCH_OUT says, and printed none."
    )
