"""Comparing benchmarks of head and candidate, measured in turn, with bounded error rates.

Each paired run gives every benchmark one pair of values: one process of the head and one of the
candidate, in random order. Interim analyses come after fixed numbers of pairs, and each spends an
equal part of the allowed error (alpha spending by Bonferroni's inequality, after the idea of Lan
and DeMets, Biometrika 70, 1983). At each analysis Holm's step-down divides that part among the
benchmarks, separately for "worse" and "better". An outcome once found is final.
"""

import math
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from services.validator.benchmarks.domain.measurements import (
    BenchmarkComparison,
    BenchmarkOutcome,
    BenchmarkUnit,
    Measurements,
    PairedRun,
)
from services.validator.benchmarks.domain.ranks import SignedRankInterval

# Marks a benchmark among the failing tests of a run.
PREFIX = "bench::"
# A benchmark must be missing in this many paired runs to count as gone.
CONFIRMATION_RUNS = 3
# Where only a gain is looked for, a candidate that was slower in each of so many pairs has none.
FUTILITY_RUNS = 5


@dataclass(frozen=True)
class SamplingPlan:
    """When to analyse, and with which error rate.

    `tolerance` is the relative difference within which a benchmark counts as the same, `alpha` the
    largest probability of a wrong "worse" or "better", half of it each, `cap` that of pairs.
    Without `proves_equality`, no more pairs are made only to tell "same" from "inconclusive".
    """

    tolerance: float
    alpha: float = 0.01
    cap: int = 100
    looks: int = 6
    proves_equality: bool = True

    @property
    def level(self) -> float:
        """The error that all benchmarks together may spend on one side at one analysis."""
        return self.alpha / 2 / self.looks

    def schedule(self, benchmarks: int) -> tuple[int, ...]:
        """Return the numbers of pairs after which to analyse.

        The first is where a difference can be significant, the last is the cap; may be empty.
        """
        first = math.ceil(math.log2(max(benchmarks, 1) / self.level))
        if first > self.cap:
            return ()
        growth = (self.cap / first) ** (1 / max(self.looks - 1, 1))
        return tuple(sorted({round(self.cap / growth**number) for number in range(self.looks)}))


@dataclass(frozen=True)
class _Series:
    """The pairs of values of one benchmark, without the runs in which only one side has it."""

    name: str
    unit: BenchmarkUnit
    rounds: tuple[tuple[int, float, float], ...]

    def until(self, look: int) -> "_Series":
        """Return the series of only the first `look` paired runs."""
        return _Series(self.name, self.unit, tuple(each for each in self.rounds if each[0] < look))

    def costs(self) -> list[float]:
        """Return the logarithms of the candidate's costs relative to the head; above 0 is worse."""
        sign = -1 if self.unit.more_is_better else 1
        return [sign * math.log(candidate / head) for _, head, candidate in self.rounds]

    def as_comparison(
        self, answer: BenchmarkOutcome, middle: float, low: float, high: float
    ) -> BenchmarkComparison:
        """Return the comparison with this outcome; the three numbers are logarithms of costs."""
        return BenchmarkComparison(
            name=self.name,
            unit=self.unit,
            answer=answer,
            pairs=len(self.rounds),
            head=median(head for _, head, _ in self.rounds),
            candidate=median(candidate for _, _, candidate in self.rounds),
            ratio=math.exp(middle),
            low=math.exp(low) if math.isfinite(low) else None,
            high=math.exp(high) if math.isfinite(high) else None,
        )


def compared(
    rounds: Sequence[PairedRun], plan: SamplingPlan, names: Collection[str] = ()
) -> tuple[BenchmarkComparison, ...]:
    """Compare all benchmarks, or those with these names, sorted by name.

    Pairs after the last scheduled analysis are not used.
    """
    both, alone = _sorted_out(rounds, names)
    found = {each.name: each for each in alone}
    found |= {each.name: _compare_exact(each, plan) for each in both if each.unit.exact}
    found |= _by_looks([each for each in both if not each.unit.exact], len(rounds), plan)
    return tuple(found[name] for name in sorted(found))


def wanted(rounds: Sequence[PairedRun], plan: SamplingPlan, names: Collection[str] = ()) -> int:
    """Return the number of pairs wanted in total for the next analysis.

    It is the present number if more pairs cannot change any outcome.
    """
    done = len(rounds)
    if done < CONFIRMATION_RUNS:
        return CONFIRMATION_RUNS
    noisy = [each for each in _sorted_out(rounds, names)[0] if not each.unit.exact]
    if not plan.proves_equality and plan.schedule(len(noisy)):
        if done < FUTILITY_RUNS:
            return FUTILITY_RUNS
        if noisy and all(_is_futile(each, plan) for each in noisy):
            return done
    if not any(_hopeful(each, plan) for each in _by_looks(noisy, done, plan).values()):
        return done
    return next((look for look in plan.schedule(len(noisy)) if look > done), done)


def _is_futile(series: _Series, plan: SamplingPlan) -> bool:
    """Return True if only a gain is looked for, and the candidate was slower in every pair."""
    if plan.proves_equality or len(series.rounds) < FUTILITY_RUNS:
        return False
    costs = series.costs()
    return min(costs) > 0 and median(costs) > math.log1p(plan.tolerance)


def _hopeful(comparison: BenchmarkComparison, plan: SamplingPlan) -> bool:
    """Return True if more pairs may still decide it; stopping for futility adds no error.

    At the cap the interval is expected to be narrower by the square root of the ratio of pairs,
    around a centre that may have moved by half of today's half width (1.5 standard errors). Where
    only a gain is looked for, an analysis that shows none ends it.
    """
    if comparison.answer is not BenchmarkOutcome.INCONCLUSIVE:
        return False
    if comparison.low is None or comparison.high is None:
        return True
    if not plan.proves_equality and comparison.ratio > 1 - plan.tolerance:
        return False
    half = math.log(comparison.high / comparison.low) / 2
    last = half * math.sqrt(comparison.pairs / plan.cap)
    middle = math.log(comparison.ratio)
    moved = (
        middle - half / 2,
        min(max(0.0, middle - half / 2), middle + half / 2),
        middle + half / 2,
    )
    hopeless = {BenchmarkOutcome.INCONCLUSIVE}
    if not plan.proves_equality:
        hopeless.add(BenchmarkOutcome.SAME)
    return any(_answer(each - last, each + last, plan) not in hopeless for each in moved)


def _sorted_out(
    rounds: Sequence[PairedRun], names: Collection[str]
) -> tuple[list[_Series], list[BenchmarkComparison]]:
    """Split benchmarks into those with pairs, and the others: gone, new or inconclusive."""
    heads, candidates = _units(each.head for each in rounds), _units(e.candidate for e in rounds)
    both, alone = [], []
    for name in sorted({*heads, *candidates}):
        if names and name not in names:
            continue
        if name in heads and name in candidates:
            both.append(_series(name, heads[name], rounds))
        elif name in heads:
            alone.append(BenchmarkComparison(name, heads[name], BenchmarkOutcome.GONE))
        else:
            alone.append(BenchmarkComparison(name, candidates[name], BenchmarkOutcome.NEW))
    alone += [
        BenchmarkComparison(e.name, e.unit, BenchmarkOutcome.INCONCLUSIVE)
        for e in both
        if not e.rounds
    ]
    return [each for each in both if each.rounds], alone


def _units(readings: Iterable[Measurements]) -> dict[str, BenchmarkUnit]:
    """Return by benchmark the unit that it has in the last of these measurements with it."""
    return {name: reading.unit for each in readings for name, reading in each.items()}


def _series(name: str, unit: BenchmarkUnit, rounds: Sequence[PairedRun]) -> _Series:
    """Return a benchmark's pairs of values, from the rounds in which both sides have its unit."""
    pairs = [
        (number, each.head[name].value, each.candidate[name].value)
        for number, each in enumerate(rounds)
        if name in each.head and name in each.candidate
        if each.head[name].unit is unit and each.candidate[name].unit is unit
    ]
    return _Series(name, unit, tuple(pairs))


def _compare_exact(series: _Series, plan: SamplingPlan) -> BenchmarkComparison:
    """Compare a benchmark with exact measurements, by the median of its relative costs."""
    cost = median(series.costs())
    return series.as_comparison(_answer(cost, cost, plan), cost, cost, cost)


def _by_looks(
    series: Sequence[_Series], done: int, plan: SamplingPlan
) -> dict[str, BenchmarkComparison]:
    """Return by name the first conclusive comparison, else the last; without one inconclusive."""
    found = {
        each.name: each.as_comparison(
            BenchmarkOutcome.INCONCLUSIVE, median(each.costs()), -math.inf, math.inf
        )
        if _is_futile(each, plan)
        else BenchmarkComparison(each.name, each.unit, BenchmarkOutcome.INCONCLUSIVE)
        for each in series
    }
    for look in plan.schedule(len(series)):
        if look > done:
            break
        seen = _analyse([each.until(look) for each in series], plan)
        found |= {
            name: seen[name]
            for name, known in found.items()
            if known.answer is BenchmarkOutcome.INCONCLUSIVE and name in seen
        }
    return found


def _analyse(series: Sequence[_Series], plan: SamplingPlan) -> dict[str, BenchmarkComparison]:
    """Return by name the comparisons of those with pairs at one analysis, by Holm's step-down."""
    ranked = {each.name: SignedRankInterval(each.costs()) for each in series if each.rounds}
    worse, better = math.log1p(plan.tolerance), math.log1p(-plan.tolerance)
    ranks, count = ranked.values(), len(series)
    below = _share(count, plan.level, lambda share: sum(r.low(share) > worse for r in ranks))
    above = _share(count, plan.level, lambda share: sum(r.high(share) < better for r in ranks))
    found = {}
    for each in series:
        if each.name in ranked:
            rank = ranked[each.name]
            low, high = rank.low(below), rank.high(above)
            found[each.name] = each.as_comparison(_answer(low, high, plan), rank.middle, low, high)
    return found


def _share(count: int, level: float, beyond: Callable[[float], int]) -> float:
    """Return each benchmark's share of the level by Holm's step-down.

    `beyond` counts the benchmarks that are significant at a share and need theirs no more.
    """
    over = 0
    while True:
        share = level / max(count - over, 1)
        now = beyond(share)
        if now <= over:
            return share
        over = now


def _answer(low: float, high: float, plan: SamplingPlan) -> BenchmarkOutcome:
    """Return the outcome for a confidence interval of the logarithmic cost."""
    worse, better = math.log1p(plan.tolerance), math.log1p(-plan.tolerance)
    if low > worse:
        return BenchmarkOutcome.WORSE
    if high < better:
        return BenchmarkOutcome.BETTER
    return (
        BenchmarkOutcome.SAME if low >= better and high <= worse else BenchmarkOutcome.INCONCLUSIVE
    )
