"""Gain: whether a change makes the functions that it touches faster."""

from typing import Literal

from shared.contracts.base import (
    Id,
    Value,
)


class FunctionGain(Value):
    """The run time of one function with a change, over that without it.

    It is measured in pairs of processes, `runs` of them, on `inputs` that were recorded while the
    tests ran, or in rounds of one process on so many calls that tests make (`in_tests`). `ratio` is
    that of the medians; the confidence interval from `low` to `high` decides the answer, and None
    is unbounded. A benchmark of the target has no inputs.
    """

    name: str
    answer: Literal["worse", "better", "same", "inconclusive"]
    inputs: int
    in_tests: bool = False
    runs: int
    ratio: float
    low: float | None = None
    high: float | None = None

    @property
    def words(self) -> str:
        """The figures in words."""
        ends = (self.low, self.high)
        interval = "" if None in ends else f" (interval {self.low:.2f} to {self.high:.2f})"
        what = "call{} by tests" if self.in_tests else "recorded input{}"
        counted = what.format("s" * (self.inputs != 1))
        inputs = f"on {self.inputs} {counted}, " if self.inputs else ""
        return (
            f"{self.name} takes {self.ratio:.2f} times as long{interval}, "
            f"{inputs}in {self.runs} paired runs"
        )


class Gain(Value):
    """The measured gain of a change that was made for speed.

    measured: a function is faster with it, and none slower · none: no function is · unknown: it
    could not be measured, for the reason in `summary`.
    """

    state: Literal["measured", "none", "unknown"]
    summary: str
    functions: tuple[FunctionGain, ...] = ()
    run: Id | None = None

    @property
    def evidence(self) -> str:
        """What is known of the gain, for commit messages and people."""
        unknown = f"its gain could not be measured: {self.summary}"
        return unknown if self.state == "unknown" else self.summary

    @property
    def best(self) -> FunctionGain | None:
        """The function that gains most; None where nothing was measured."""
        return min(self.functions, key=lambda each: each.ratio, default=None)
