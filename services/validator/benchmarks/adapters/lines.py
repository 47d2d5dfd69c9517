"""Reads lines of the form `name value unit` among whatever else a command prints."""

import re

from services.validator.benchmarks.adapters.measurements import gathered, reading
from services.validator.benchmarks.domain.measurements import BenchmarkUnit, Measurement

TOOL = "The command"
UNITS = {
    "ns": (BenchmarkUnit.SECONDS, 1e-9),
    "us": (BenchmarkUnit.SECONDS, 1e-6),
    "µs": (BenchmarkUnit.SECONDS, 1e-6),  # micro sign
    "μs": (BenchmarkUnit.SECONDS, 1e-6),
    "ms": (BenchmarkUnit.SECONDS, 1e-3),
    "s": (BenchmarkUnit.SECONDS, 1.0),
    "B": (BenchmarkUnit.BYTES, 1.0),
    "KB": (BenchmarkUnit.BYTES, 1e3),
    "MB": (BenchmarkUnit.BYTES, 1e6),
    "ops/s": (BenchmarkUnit.RATE, 1.0),
}
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
PARTS = 3


def read(content: bytes) -> dict[str, Measurement]:
    """Return values by name, the median of several. Raises `UnreadableOutputError` without any."""
    lines = content.decode(errors="replace").splitlines()
    return gathered((reading(*each) for each in map(_parse_line, lines) if each), TOOL)


def _parse_line(line: str) -> tuple[str, float, BenchmarkUnit, float] | None:
    """Parse `name value unit` to (name, value, unit, scale); None for any other line."""
    parts = line.strip().rsplit(maxsplit=2)
    if len(parts) != PARTS or parts[2] not in UNITS or not NUMBER.fullmatch(parts[1]):
        return None
    return (parts[0].removesuffix(":").strip(), float(parts[1]), *UNITS[parts[2]])
