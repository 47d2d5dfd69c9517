"""Measurements of benchmarks in pairs, and the comparison of one benchmark."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class BenchmarkUnit(StrEnum):
    """The unit that a benchmark is measured in."""

    SECONDS = "s"
    BYTES = "B"
    RATE = "ops/s"
    INSTRUCTIONS = "instructions"

    @property
    def more_is_better(self) -> bool:
        """True if a higher value is better."""
        return self is BenchmarkUnit.RATE

    @property
    def exact(self) -> bool:
        """True if repeated measurements give equal values, so that they are compared directly."""
        return self is BenchmarkUnit.INSTRUCTIONS


@dataclass(frozen=True)
class Measurement:
    """The value of one benchmark in one process, above 0."""

    value: float
    unit: BenchmarkUnit


Measurements = Mapping[str, Measurement]


@dataclass(frozen=True)
class PairedRun:
    """The measurements of one process of each side, run one right after the other."""

    head: Measurements
    candidate: Measurements


class BenchmarkOutcome(StrEnum):
    """The outcome of comparing one benchmark.

    `inconclusive` is neither pass nor fail; `gone` benchmarks are only on the head, `new` ones only
    on the candidate.
    """

    WORSE = "worse"
    BETTER = "better"
    SAME = "same"
    INCONCLUSIVE = "inconclusive"
    GONE = "gone"
    NEW = "new"

    @property
    def bad(self) -> bool:
        """True if the candidate is worse than the head, or the benchmark is gone from it."""
        return self in {BenchmarkOutcome.WORSE, BenchmarkOutcome.GONE}


@dataclass(frozen=True)
class BenchmarkComparison:
    """One compared benchmark. `head` and `candidate` are medians, 0 if there is none.

    `ratio` is the cost of the candidate relative to the head: 1.1 is a tenth worse, also for a
    rate. It is between `low` and `high`, the interval that decides the outcome; None is unbounded.
    """

    name: str
    unit: BenchmarkUnit
    answer: BenchmarkOutcome
    pairs: int = 0
    head: float = 0.0
    candidate: float = 0.0
    ratio: float = 1.0
    low: float | None = None
    high: float | None = None
