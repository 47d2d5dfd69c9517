"""The report of a comparison of benchmarks, with all measurements and one canonical text."""

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

from services.validator.benchmarks.domain.benchmarks import PREFIX, SamplingPlan, compared
from services.validator.benchmarks.domain.measurements import (
    BenchmarkComparison,
    BenchmarkOutcome,
    BenchmarkUnit,
    Measurement,
    Measurements,
    PairedRun,
)
from shared.contracts.documents.runs import BenchmarkResult

ORDER = (
    BenchmarkOutcome.WORSE,
    BenchmarkOutcome.GONE,
    BenchmarkOutcome.INCONCLUSIVE,
    BenchmarkOutcome.BETTER,
    BenchmarkOutcome.SAME,
    BenchmarkOutcome.NEW,
)
MAX_LISTED = 100


@dataclass(frozen=True)
class BenchmarkReport:
    """The paired runs in their order, and the comparisons that follow from them.

    `names` limits it to these benchmarks. `broken` says why the candidate's command gave no
    measurements each time; then every benchmark is gone. `notes` say what was not measured.
    """

    plan: SamplingPlan
    rounds: tuple[PairedRun, ...]
    names: tuple[str, ...] = ()
    broken: str = ""
    notes: tuple[str, ...] = ()
    seconds: float = 0.0

    @cached_property
    def comparisons(self) -> tuple[BenchmarkComparison, ...]:
        """The comparisons by name, a pure function of the measurements."""
        return compared(self.rounds, self.plan, self.names)

    @property
    def failing(self) -> tuple[str, ...]:
        """The benchmarks that got worse or are gone, as ids of failing tests.

        Instruction counts are ignored if all timings are the same or better, since more
        instructions can be faster.
        """
        timed = [each.answer for each in self.comparisons if not each.unit.exact]
        settled = bool(timed) and all(
            each in {BenchmarkOutcome.SAME, BenchmarkOutcome.BETTER} for each in timed
        )
        return tuple(
            PREFIX + each.name
            for each in self.comparisons
            if each.answer.bad and not (each.unit.exact and settled)
        )

    def of(self, name: str) -> BenchmarkComparison | None:
        """Return the comparison of one benchmark, or None."""
        return next((each for each in self.comparisons if each.name == name), None)

    def to_json(self) -> str:
        """Return the canonical text, with the outcomes for people; `from_json` is its inverse."""
        body = {
            "plan": asdict(self.plan),
            "rounds": [[_rows(each.head), _rows(each.candidate)] for each in self.rounds],
            "names": self.names,
            "broken": self.broken,
            "notes": self.notes,
            "seconds": self.seconds,
            "comparisons": [asdict(each) for each in self.comparisons],
        }
        return json.dumps(body, separators=(",", ":"), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "BenchmarkReport":
        """Return the report of a text by `to_json`; raises ValueError for any other text."""
        try:
            body = json.loads(text)
            return cls(
                plan=SamplingPlan(**body["plan"]),
                rounds=tuple(PairedRun(_read(h), _read(c)) for h, c in body["rounds"]),
                names=tuple(body["names"]),
                broken=body["broken"],
                notes=tuple(body["notes"]),
                seconds=body["seconds"],
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"This is not a stored benchmark report: {error!r}.") from error


def named(tests: Collection[str]) -> tuple[str, ...]:
    """Return the benchmark names of failing test ids; a bare name is kept."""
    return tuple(sorted({each.removeprefix(PREFIX) for each in tests}))


def measured(report: BenchmarkReport) -> tuple[BenchmarkResult, ...]:
    """Return the results to store, the worst first, and at most `MAX_LISTED` of them."""
    told = sorted(report.comparisons, key=lambda each: (ORDER.index(each.answer), each.name))
    return tuple(
        BenchmarkResult(
            name=each.name,
            answer=each.answer.value,
            ratio=each.ratio,
            low=each.low,
            high=each.high,
        )
        for each in told[:MAX_LISTED]
    )


def summary(report: BenchmarkReport) -> str:
    """Summarise the report in one sentence."""
    found = report.comparisons
    if report.broken:
        return f"The benchmarks do not run any more: {report.broken}"
    if not found:
        return "No benchmark was compared."
    parts = [
        f"{sum(each.answer is answer for each in found)} {answer}"
        for answer in BenchmarkOutcome
        if any(each.answer is answer for each in found)
    ]
    worst = max(
        (each for each in found if each.answer is BenchmarkOutcome.WORSE), key=_ratio, default=None
    )
    more = f"; {worst.name} costs {describe(worst)}" if worst else ""
    return f"Benchmarks in {len(report.rounds)} rounds: {', '.join(parts)}{more}."


def describe(comparison: BenchmarkComparison) -> str:
    """Describe the ratio and its interval, as in "8.9 % more (between 5.1 % and 11.8 % more)"."""
    if comparison.low is None or comparison.high is None:
        return _share(comparison.ratio)
    ends = (_share(comparison.low), _share(comparison.high))
    return f"{_share(comparison.ratio)} (between {ends[0]} and {ends[1]})"


def _share(ratio: float) -> str:
    """Describe a ratio as a percentage, as in "8.9 % more"."""
    return f"{abs(ratio - 1):.1%} {'more' if ratio >= 1 else 'less'}".replace("%", " %")


def _ratio(comparison: BenchmarkComparison) -> float:
    return comparison.ratio


def _rows(readings: Measurements) -> dict[str, tuple[float, str]]:
    """Return measurements as JSON: (value, unit) by benchmark."""
    return {name: (each.value, each.unit.value) for name, each in readings.items()}


def _read(rows: Mapping[str, Any]) -> dict[str, Measurement]:
    """Return the measurements that `_rows` made these of."""
    return {name: Measurement(value, BenchmarkUnit(unit)) for name, (value, unit) in rows.items()}
