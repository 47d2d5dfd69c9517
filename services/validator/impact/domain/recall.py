"""Judges whether the impacted tests of a component can be relied on, by what full runs caught.

The posterior of the recall, from a uniform prior, is a Beta distribution over the counts.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass

# A quick gate that finds less than this share of culprits is of no use.
MIN_RECALL = 0.8
# With fewer tests than this, the recall counts as unknown.
MIN_TESTS_TO_JUDGE = 5


@dataclass(frozen=True)
class RecallCount:
    """How many tests that caught bad changes were impacted tests (`caught`) or not (`missed`)."""

    caught: int = 0
    missed: int = 0

    @property
    def total(self) -> int:
        """The number of tests that caught bad changes."""
        return self.caught + self.missed

    @property
    def recall(self) -> float | None:
        """The share of tests that were impacted ones; None if none were counted."""
        return self.caught / self.total if self.total else None

    @property
    def is_too_low(self) -> bool:
        """True if the recall is likelier than not below `MIN_RECALL`; false if few were counted."""
        if self.total < MIN_TESTS_TO_JUDGE:
            return False
        return beta_below(MIN_RECALL, self.caught + 1, self.missed + 1) > 1 / 2


def count_caught(impacted: Collection[str] | None, caught_by: Collection[str]) -> RecallCount:
    """Count the tests that caught one change; `impacted` None stands for all tests."""
    tests = set(caught_by)
    caught = len(tests) if impacted is None else len(tests & set(impacted))
    return RecallCount(caught, len(tests) - caught)


def beta_below(x: float, a: int, b: int) -> float:
    """Return P(X < x) for X ~ Beta(a, b) with integer a and b.

    It equals the probability that at least a of a + b - 1 trials succeed with probability x.
    """
    n = a + b - 1
    return math.fsum(
        math.exp(
            math.lgamma(n + 1)
            - math.lgamma(k + 1)
            - math.lgamma(n - k + 1)
            + k * math.log(x)
            + (n - k) * math.log1p(-x)
        )
        for k in range(a, n + 1)
    )
