"""Health, from findings."""

from collections import Counter
from collections.abc import Sequence

from shared.contracts.base import Severity
from shared.contracts.documents.findings import Finding

WEIGHT = {Severity.ERROR: 5.0, Severity.WARNING: 2.0, Severity.NOTE: 1.0}
# So many weighted findings in a thousand lines halve the score.
HALVING = 20.0


def metrics(findings: Sequence[Finding], lines: int) -> dict[str, float]:
    """Counts in all and by rule, and weighted findings per thousand lines."""
    by_rule = Counter(each.rule for each in findings)
    weight = sum(WEIGHT[each.severity] for each in findings)
    return {
        "findings": float(len(findings)),
        "lines": float(lines),
        "density": 1000 * weight / lines if lines else 0.0,
        **{f"findings.{rule}": float(count) for rule, count in sorted(by_rule.items())},
    }


def score(density: float) -> float:
    """0 to 100: 100 without findings, 50 at `HALVING` weighted findings per thousand lines."""
    return round(100 / (1 + density / HALVING), 1)
