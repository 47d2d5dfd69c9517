"""Ways to judge whether a benchmark became slower: the gate's plan, and its peers.

A pair is the time of the head and the time of the candidate, in seconds, measured one after the
other. The ratio of minima and the single pair take a difference of more than 3 % for a real one.
"""

import math
import statistics
from collections.abc import Callable, Sequence

from services.validator.benchmarks.domain.benchmarks import SamplingPlan, compared, wanted
from services.validator.benchmarks.domain.measurements import (
    BenchmarkComparison,
    BenchmarkOutcome,
    BenchmarkUnit,
    Measurement,
    PairedRun,
)

TOLERANCE = 0.02
# What the peers are given: this many pairs, and what they take for a real difference.
PEER_PAIRS, PEER_TOLERANCE = 20, 0.03
PEER_SIGNIFICANCE = 0.05
BENCHMARK = "work"
Pair = tuple[float, float]
Judge = Callable[[Sequence[Pair]], BenchmarkOutcome]


def to_rounds(pairs: Sequence[Pair]) -> list[PairedRun]:
    """Return the pairs as rounds of one benchmark, as the gate's comparison takes them."""
    return [
        PairedRun({BENCHMARK: _reading(head)}, {BENCHMARK: _reading(new)}) for head, new in pairs
    ]


def _reading(value: float) -> Measurement:
    """Return a time in seconds as a measurement of the gate."""
    return Measurement(value, BenchmarkUnit.SECONDS)


def count_wanted_pairs(pairs: Sequence[Pair]) -> int:
    """Return how many pairs the gate wants in all, after it has seen these."""
    return wanted(to_rounds(pairs), SamplingPlan(TOLERANCE))


def judge_as_gate(pairs: Sequence[Pair]) -> BenchmarkComparison:
    """Compare as the gate does, using no more pairs than the gate would have measured."""
    rounds, plan, count = to_rounds(pairs), SamplingPlan(TOLERANCE), 0
    while count < (want := wanted(rounds[:count], plan)):
        count = want
    return compared(rounds[:count], plan)[0]


def judge_by_minimum(pairs: Sequence[Pair]) -> BenchmarkOutcome:
    """Compare the fastest time of each side."""
    head, candidate = (min(side) for side in zip(*pairs[:PEER_PAIRS], strict=True))
    return judge_ratio(candidate / head)


def judge_by_one_pair(pairs: Sequence[Pair]) -> BenchmarkOutcome:
    """Compare the first pair only, as if each side were measured once."""
    return judge_ratio(pairs[0][1] / pairs[0][0])


def judge_ratio(ratio: float) -> BenchmarkOutcome:
    """Call a candidate worse or better if its time differs by more than `PEER_TOLERANCE`."""
    if ratio > 1 + PEER_TOLERANCE:
        return BenchmarkOutcome.WORSE
    return BenchmarkOutcome.BETTER if ratio < 1 - PEER_TOLERANCE else BenchmarkOutcome.SAME


def judge_by_mann_whitney(pairs: Sequence[Pair]) -> BenchmarkOutcome:
    """Apply the two-sided Mann-Whitney U test at .05, by its normal approximation."""
    head, candidate = zip(*pairs[:PEER_PAIRS], strict=True)
    statistic = sum((b > a) + (b == a) / 2 for a in head for b in candidate)
    size = len(head)
    deviation = math.sqrt(size * size * (2 * size + 1) / 12)
    score = (statistic - size * size / 2) / deviation
    if abs(score) < statistics.NormalDist().inv_cdf(1 - PEER_SIGNIFICANCE / 2):
        return BenchmarkOutcome.SAME
    return BenchmarkOutcome.WORSE if score > 0 else BenchmarkOutcome.BETTER


PEERS: dict[str, Judge] = {
    "min ratio": judge_by_minimum,
    "Mann-Whitney": judge_by_mann_whitney,
    "one pair": judge_by_one_pair,
}
