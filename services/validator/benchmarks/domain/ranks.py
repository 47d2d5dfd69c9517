"""An exact confidence interval for the centre of paired differences, by Wilcoxon's signed ranks.

Source: J. W. Tukey's interval from the Walsh averages, with Hodges' and Lehmann's estimate as its middle
(Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, 3rd edition, sections 3.1 to 3.3). Where
a toss decided in each pair which of the two went first, the signs of the differences are tosses too if both
are alike, however noisy the machine and however long its moods last: so the level holds for any noise.
"""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate


class Ranked:
    """Some differences, ready to be asked for their middle and their bounds."""

    def __init__(self, differences: Sequence[float]) -> None:
        self._count = len(differences)
        self._walsh = sorted(
            (one + other) / 2
            for number, one in enumerate(differences)
            for other in differences[number:]
        )

    @property
    def middle(self) -> float:
        """The median of all averages of two; raises IndexError where there is no difference."""
        last = len(self._walsh) - 1
        return (self._walsh[last // 2] + self._walsh[(last + 1) // 2]) / 2

    def low(self, level: float) -> float:
        """What the centre is below with at most this probability; minus infinity where these are too few."""
        spared = _spared(self._count, level)
        return -math.inf if spared is None else self._walsh[spared]

    def high(self, level: float) -> float:
        """The same from above."""
        spared = _spared(self._count, level)
        return math.inf if spared is None else self._walsh[-1 - spared]


@lru_cache(maxsize=4096)
def _spared(count: int, level: float) -> int | None:
    """The largest rank sum that is not exceeded with at most this probability under pure chance."""
    limit = level * 2**count
    below = next((s for s, ways in enumerate(_ways(count)) if ways > limit), None)
    return below - 1 if below else None


@lru_cache(maxsize=256)
def _ways(count: int) -> tuple[int, ...]:
    """How many of the 2^count ways to choose signs have a sum of positive ranks up to each number."""
    ways = [1]
    for rank in range(1, count + 1):
        longer = [*ways, *[0] * rank]
        for total, known in enumerate(ways):
            longer[total + rank] += known
        ways = longer
    return tuple(accumulate(ways))
