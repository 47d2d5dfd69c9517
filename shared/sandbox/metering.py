"""What all commands of one piece of work used of processors, however deep below it they are run."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class CpuMeter:
    """`seconds` is None before the first command, and for good once one did not say what it used."""

    seconds: float | None = None
    known: bool = True

    def add(self, seconds: float | None) -> None:
        """One more command has ended."""
        self.known = self.known and seconds is not None
        self.seconds = (
            (self.seconds or 0.0) + seconds if self.known and seconds is not None else None
        )


# Tasks that are started in there share the meter with who started them.
_meter: ContextVar[CpuMeter | None] = ContextVar("meter", default=None)


@contextmanager
def measure_cpu_time() -> Iterator[CpuMeter]:
    """Of the commands that are run in here."""
    meter = CpuMeter()
    token = _meter.set(meter)
    try:
        yield meter
    finally:
        _meter.reset(token)


def record_cpu_time(seconds: float | None) -> None:
    """A command has ended; nobody may want to know."""
    if (meter := _meter.get()) is not None:
        meter.add(seconds)
