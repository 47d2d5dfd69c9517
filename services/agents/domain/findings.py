"""Fingerprints and health: what stays comparable from one commit to the next."""

import hashlib
from collections import Counter
from collections.abc import Sequence

from shared.contracts.base import Severity
from shared.contracts.documents import Finding

WEIGHT = {Severity.ERROR: 5.0, Severity.WARNING: 2.0, Severity.NOTE: 1.0}
# So many weighted findings in a thousand lines halve the score.
HALVING = 20.0


class Fingerprints:
    """Gives fingerprints to the findings of one tree, in the order of their lines."""

    def __init__(self) -> None:
        self._seen: Counter[tuple[str, str, str, str]] = Counter()

    def next(self, tool: str, rule: str, path: str, line: str) -> str:
        """By tool, rule, path, the line's text without its spacing, and which of its equals it is."""
        identity = (tool, rule, path, " ".join(line.split()))
        place = self._seen[identity]
        self._seen[identity] += 1
        return hashlib.sha256("\0".join((*identity, str(place))).encode()).hexdigest()


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
