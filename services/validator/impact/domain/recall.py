"""Whether the choice of impacted tests can be trusted in a component: judged by what full runs caught.

A count is evidence about a rate; the posterior over it, from a uniform prior, is a Beta distribution.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass

# A quick gate that misses more than this is no gate; with fewer tests than this nobody knows.
LOWEST = 0.8
ENOUGH = 5


@dataclass(frozen=True)
class Score:
    """Of the tests that caught something, how many were chosen, and how many were not."""

    caught: int = 0
    missed: int = 0

    @property
    def seen(self) -> int:
        return self.caught + self.missed

    @property
    def recall(self) -> float | None:
        """None where nothing was seen."""
        return self.caught / self.seen if self.seen else None

    @property
    def bad(self) -> bool:
        """Whether it is more likely than not that the recall is lower than it may be."""
        return self.seen >= ENOUGH and beta_below(LOWEST, self.caught + 1, self.missed + 1) > 1 / 2


def score(chosen: Collection[str] | None, caught_by: Collection[str]) -> Score:
    """What one convicted change says; `chosen` None is all tests."""
    caught = len(set(caught_by)) if chosen is None else len(set(caught_by) & set(chosen))
    return Score(caught, len(set(caught_by)) - caught)


def beta_below(x: float, a: int, b: int) -> float:
    """P(X < x) for X ~ Beta(a, b) with whole a and b: a or more of a + b - 1 trials succeed."""
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
