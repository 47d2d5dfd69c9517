"""An exact confidence interval for the centre of paired differences, by Wilcoxon's signed ranks.

Source: J. W. Tukey's interval from the Walsh averages around the Hodges-Lehmann estimate
(Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, 3rd edition, sections 3.1 to 3.3).
The order within each pair is random, so if both sides are alike the signs of the differences are
random too, however noisy the machine is and however long disturbances last: the level holds for any
noise.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate


class SignedRankInterval:
    """The centre of paired differences and its confidence bounds."""

    def __init__(self, differences: Sequence[float]) -> None:
        self._count = len(differences)
        self._walsh = sorted(
            (one + other) / 2
            for number, one in enumerate(differences)
            for other in differences[number:]
        )

    @property
    def middle(self) -> float:
        """The median of the Walsh averages; raises IndexError without differences."""
        last = len(self._walsh) - 1
        return (self._walsh[last // 2] + self._walsh[(last + 1) // 2]) / 2

    def low(self, level: float) -> float:
        """Return the bound that the centre is below with at most this probability.

        It is minus infinity if there are too few differences.
        """
        spared = _spared(self._count, level)
        return -math.inf if spared is None else self._walsh[spared]

    def high(self, level: float) -> float:
        """Return the bound that the centre is above with at most this probability.

        It is infinity if there are too few differences.
        """
        spared = _spared(self._count, level)
        return math.inf if spared is None else self._walsh[-1 - spared]


@lru_cache(maxsize=4096)
def _spared(count: int, level: float) -> int | None:
    """Return the largest rank sum that chance stays at or below with at most this probability.

    None if it stays at 0 with a larger probability already.
    """
    limit = level * 2**count
    below = next((s for s, ways in enumerate(_ways(count)) if ways > limit), None)
    return below - 1 if below else None


@lru_cache(maxsize=256)
def _ways(count: int) -> tuple[int, ...]:
    """Return how many of the 2^count sign choices have a positive rank sum up to each number."""
    ways = [1]
    for rank in range(1, count + 1):
        longer = [*ways, *[0] * rank]
        for total, known in enumerate(ways):
            longer[total + rank] += known
        ways = longer
    return tuple(accumulate(ways))
