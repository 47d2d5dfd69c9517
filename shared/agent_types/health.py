"""Dimensions of health: metrics of a component, and the score that follows from them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from shared.contracts.documents.findings import Finding
from shared.detectors.findings import SEVERITY_WEIGHTS

# So many weighted findings in a thousand lines halve the score.
HALVING_DENSITY = 20.0


@dataclass(frozen=True)
class Metric:
    """A measured number of a component, its unit, and the direction that is an improvement.

    Over several components it is their sum or, for a `density`, their mean weighted by lines.
    """

    name: str
    unit: str
    better: Literal["down", "up"] = "down"
    density: bool = False


@dataclass(frozen=True)
class HealthReading:
    """Metrics by name, and a score from 0 to 100 (best)."""

    metrics: Mapping[str, float]
    score: float


@dataclass(frozen=True)
class HealthDimension:
    """One dimension of health: `measure` reads the findings of a component and its lines.

    `formula` says in words how the score follows from the metrics.
    """

    name: str
    metrics: tuple[Metric, ...]
    measure: Callable[[Sequence[Finding], int], HealthReading]
    formula: str = "as its agent type computes it"


def count_findings(findings: Sequence[Finding], lines: int) -> dict[str, float]:
    """Return the metrics that every dimension has: lines, and findings in all and by rule."""
    by_rule = Counter(each.rule for each in findings)
    return {
        "findings": float(len(findings)),
        "lines": float(lines),
        **{f"findings.{rule}": float(count) for rule, count in sorted(by_rule.items())},
    }


def finding_density(findings: Sequence[Finding], lines: int) -> HealthReading:
    """Count findings; the score falls with their density, weighted by severity.

    `density` is weighted findings per thousand lines. The score is 100 without findings, and 50
    at `HALVING_DENSITY`.
    """
    weight = sum(SEVERITY_WEIGHTS[each.severity] for each in findings)
    density = 1000 * weight / lines if lines else 0.0
    metrics = {**count_findings(findings, lines), "density": density}
    return HealthReading(metrics, round(100 / (1 + density / HALVING_DENSITY), 1))


FINDING_METRICS = (
    Metric("findings", "findings"),
    Metric("density", "weighted findings per thousand lines", density=True),
)
DENSITY_FORMULA = f"100 / (1 + density / {HALVING_DENSITY:g})"
