"""Comparing shares: whether one group of changes does better than another, or too few are known."""

from math import sqrt

from shared.contracts.base import Value

# Of the normal distribution, for two-sided intervals of 95 %.
Z = 1.959964
# With fewer in a group, no comparison is made.
MIN_GROUP = 5


class Share(Value):
    """How many of a number of changes."""

    count: float
    of: int

    @property
    def value(self) -> float:
        """The share, 0 of nothing."""
        return self.count / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """The interval of 95 % for the share behind it (Wilson, 1927)."""
        if not self.of:
            return 0.0, 1.0
        square = Z * Z / self.of
        middle = (self.value + square / 2) / (1 + square)
        spread = self.value * (1 - self.value) / self.of + square / (4 * self.of)
        half = Z * sqrt(max(spread, 0.0)) / (1 + square)
        return middle - half, middle + half


def difference(one: Share, other: Share) -> tuple[float, float] | None:
    """Return the interval of 95 % for `one` less `other` (Newcombe, 1998); None for too few."""
    if min(one.of, other.of) < MIN_GROUP:
        return None
    (low, high), (other_low, other_high) = one.interval, other.interval
    gap = one.value - other.value
    below = sqrt((one.value - low) ** 2 + (other_high - other.value) ** 2)
    above = sqrt((high - one.value) ** 2 + (other.value - other_low) ** 2)
    return gap - below, gap + above
