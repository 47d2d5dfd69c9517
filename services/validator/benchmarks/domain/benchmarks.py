"""No worse, per benchmark: head and candidate were measured in turn, and what that says.

Each round gives every benchmark one pair: one process of the head, one of the candidate, in an order
that was tossed. Looked at is after fixed numbers of rounds, and each look spends its equal part of the
error that is allowed, so that looking often costs nothing (alpha spending by Bonferroni's inequality; Lan and
DeMets, Biometrika 70, 1983, is the idea). At each look Holm's step-down divides that part among the benchmarks, for
"worse" and for "better" apart. What was answered once is not asked again.
"""

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median

from services.validator.benchmarks.domain.ranks import Ranked

# A benchmark among the failing tests of a verdict.
PREFIX = "bench::"
# What is gone or broken has to be so in that many rounds.
CONFIRMATION_RUNS = 3


class BenchmarkUnit(StrEnum):
    """What a benchmark is measured in."""

    SECONDS = "s"
    BYTES = "B"
    RATE = "ops/s"
    INSTRUCTIONS = "instructions"

    @property
    def more_is_better(self) -> bool:
        """Whether a higher value is a better one."""
        return self is BenchmarkUnit.RATE

    @property
    def exact(self) -> bool:
        """Whether measuring again gives the same again, so that values are compared as they are."""
        return self is BenchmarkUnit.INSTRUCTIONS


@dataclass(frozen=True)
class Measurement:
    """What one process said of one benchmark; above 0."""

    value: float
    unit: BenchmarkUnit


Measurements = Mapping[str, Measurement]


@dataclass(frozen=True)
class PairedRun:
    """One process of each, one right after the other."""

    head: Measurements
    candidate: Measurements


class BenchmarkOutcome(StrEnum):
    """`inconclusive` is neither a pass nor a fail. `gone` is said by the head only, `new` by the candidate only."""

    WORSE = "worse"
    BETTER = "better"
    SAME = "same"
    INCONCLUSIVE = "inconclusive"
    GONE = "gone"
    NEW = "new"

    @property
    def bad(self) -> bool:
        """Whether a change that causes it got worse."""
        return self in {BenchmarkOutcome.WORSE, BenchmarkOutcome.GONE}


@dataclass(frozen=True)
class BenchmarkComparison:
    """One benchmark, compared. `head` and `candidate` are medians, 0 where there is none.

    `ratio` is how many times as dear the candidate is, whatever the unit: 1.1 is a tenth worse, also for
    a rate. It is inside `low` and `high`, the interval that the answer rests on; None is no bound.
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


@dataclass(frozen=True)
class SamplingPlan:
    """When to look, and how sure to be.

    `tolerance` is the share by which a benchmark may differ and still be the same. `alpha` is the chance that
    any benchmark at all is called worse, or better, that is not: half of it each. `cap` rounds are the most.
    """

    tolerance: float
    alpha: float = 0.01
    cap: int = 100
    looks: int = 6

    @property
    def level(self) -> float:
        """What all benchmarks together may spend on one side at one look."""
        return self.alpha / 2 / self.looks

    def schedule(self, benchmarks: int) -> tuple[int, ...]:
        """After how many rounds to look: from the first where anything can be seen up to the cap.

        Empty where the cap is below that.
        """
        first = math.ceil(math.log2(max(benchmarks, 1) / self.level))
        if first > self.cap:
            return ()
        growth = (self.cap / first) ** (1 / max(self.looks - 1, 1))
        return tuple(sorted({round(self.cap / growth**number) for number in range(self.looks)}))


@dataclass(frozen=True)
class _Series:
    """One benchmark's values by round, those of rounds in which only one side has it left out."""

    name: str
    unit: BenchmarkUnit
    rounds: tuple[tuple[int, float, float], ...]

    def until(self, look: int) -> "_Series":
        return _Series(self.name, self.unit, tuple(each for each in self.rounds if each[0] < look))

    def costs(self) -> list[float]:
        """How many times as dear the candidate was, as logarithms."""
        sign = -1 if self.unit.more_is_better else 1
        return [sign * math.log(candidate / head) for _, head, candidate in self.rounds]

    def said(
        self, answer: BenchmarkOutcome, middle: float, low: float, high: float
    ) -> BenchmarkComparison:
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
    """All benchmarks, or those with these names, by name; of rounds after the last look nothing is known."""
    both, alone = _sorted_out(rounds, names)
    found = {each.name: each for each in alone}
    found |= {each.name: _exactly(each, plan) for each in both if each.unit.exact}
    found |= _by_looks([each for each in both if not each.unit.exact], len(rounds), plan)
    return tuple(found[name] for name in sorted(found))


def wanted(rounds: Sequence[PairedRun], plan: SamplingPlan, names: Collection[str] = ()) -> int:
    """How many rounds it takes until the next look; the present number where nothing is left to be seen."""
    done = len(rounds)
    if done < CONFIRMATION_RUNS:
        return CONFIRMATION_RUNS
    noisy = [each for each in _sorted_out(rounds, names)[0] if not each.unit.exact]
    if not any(_hopeful(each, plan) for each in _by_looks(noisy, done, plan).values()):
        return done
    return next((look for look in plan.schedule(len(noisy)) if look > done), done)


def _hopeful(comparison: BenchmarkComparison, plan: SamplingPlan) -> bool:
    """Whether more rounds may still answer it; to stop for want of hope makes no error likelier.

    At the cap the interval will be narrower by the root of how many more pairs there are, and around a middle that may
    have moved by half of today's half width, which is one and a half standard errors.
    """
    if comparison.answer is not BenchmarkOutcome.INCONCLUSIVE:
        return False
    if comparison.low is None or comparison.high is None:
        return True
    half = math.log(comparison.high / comparison.low) / 2
    last = half * math.sqrt(comparison.pairs / plan.cap)
    middle = math.log(comparison.ratio)
    moved = (
        middle - half / 2,
        min(max(0.0, middle - half / 2), middle + half / 2),
        middle + half / 2,
    )
    return any(
        _answer(each - last, each + last, plan) is not BenchmarkOutcome.INCONCLUSIVE
        for each in moved
    )


def _sorted_out(
    rounds: Sequence[PairedRun], names: Collection[str]
) -> tuple[list[_Series], list[BenchmarkComparison]]:
    """The benchmarks with pairs, and those without: one side never had them, or in another unit."""
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
    return {name: reading.unit for each in readings for name, reading in each.items()}


def _series(name: str, unit: BenchmarkUnit, rounds: Sequence[PairedRun]) -> _Series:
    pairs = [
        (number, each.head[name].value, each.candidate[name].value)
        for number, each in enumerate(rounds)
        if name in each.head and name in each.candidate
        if each.head[name].unit is unit and each.candidate[name].unit is unit
    ]
    return _Series(name, unit, tuple(pairs))


def _exactly(series: _Series, plan: SamplingPlan) -> BenchmarkComparison:
    cost = median(series.costs())
    return series.said(_answer(cost, cost, plan), cost, cost, cost)


def _by_looks(
    series: Sequence[_Series], done: int, plan: SamplingPlan
) -> dict[str, BenchmarkComparison]:
    """Each one's first answer; where there is none yet, what the last look saw."""
    found = {
        each.name: BenchmarkComparison(each.name, each.unit, BenchmarkOutcome.INCONCLUSIVE)
        for each in series
    }
    for look in plan.schedule(len(series)):
        if look > done:
            break
        seen = _look([each.until(look) for each in series], plan)
        found |= {
            name: seen[name]
            for name, known in found.items()
            if known.answer is BenchmarkOutcome.INCONCLUSIVE and name in seen
        }
    return found


def _look(series: Sequence[_Series], plan: SamplingPlan) -> dict[str, BenchmarkComparison]:
    ranked = {each.name: Ranked(each.costs()) for each in series if each.rounds}
    worse, better = math.log1p(plan.tolerance), math.log1p(-plan.tolerance)
    ranks, count = ranked.values(), len(series)
    below = _share(count, plan.level, lambda share: sum(r.low(share) > worse for r in ranks))
    above = _share(count, plan.level, lambda share: sum(r.high(share) < better for r in ranks))
    found = {}
    for each in series:
        if each.name in ranked:
            rank = ranked[each.name]
            low, high = rank.low(below), rank.high(above)
            found[each.name] = each.said(_answer(low, high, plan), rank.middle, low, high)
    return found


def _share(count: int, level: float, beyond: Callable[[float], int]) -> float:
    """Holm: what each of `count` gets of the level, once `beyond` many need theirs no more."""
    over = 0
    while True:
        share = level / max(count - over, 1)
        now = beyond(share)
        if now <= over:
            return share
        over = now


def _answer(low: float, high: float, plan: SamplingPlan) -> BenchmarkOutcome:
    """From the interval of the logarithm."""
    worse, better = math.log1p(plan.tolerance), math.log1p(-plan.tolerance)
    if low > worse:
        return BenchmarkOutcome.WORSE
    if high < better:
        return BenchmarkOutcome.BETTER
    return (
        BenchmarkOutcome.SAME if low >= better and high <= worse else BenchmarkOutcome.INCONCLUSIVE
    )
