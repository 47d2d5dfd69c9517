"""Measurement of the processor time of all commands of one piece of work."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass
class CpuMeter:
    """The sum of processor seconds; None before the first command, or if one is unknown."""

    seconds: float | None = None
    known: bool = True

    def add(self, seconds: float | None) -> None:
        """Add what one command used; None makes the sum unknown for good."""
        self.known = self.known and seconds is not None
        self.seconds = (
            (self.seconds or 0.0) + seconds if self.known and seconds is not None else None
        )


# Tasks started inside `measure_cpu_time` inherit its meter.
_meter: ContextVar[CpuMeter | None] = ContextVar("meter", default=None)


@contextmanager
def measure_cpu_time() -> Iterator[CpuMeter]:
    """Measure the commands that run inside the block, and in tasks started there."""
    meter = CpuMeter()
    token = _meter.set(meter)
    try:
        yield meter
    finally:
        _meter.reset(token)


def record_cpu_time(seconds: float | None) -> None:
    """Add the processor seconds of a finished command to the current meter, if there is one."""
    if (meter := _meter.get()) is not None:
        meter.add(seconds)
