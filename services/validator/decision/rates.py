"""Failure rates of tests and of changes, as Beta posteriors over counts."""

from dataclasses import dataclass
from math import exp, lgamma, log

# So sure it has to be that a flaky test fails more often than it did before.
SURE = 0.995


@dataclass(frozen=True)
class Rate:
    """Counts of one thing. The posterior of its rate is Beta(1 + failed, 1 + passed)."""

    failed: int
    passed: int

    @property
    def looks(self) -> int:
        """How often it was looked at."""
        return self.failed + self.passed

    @property
    def mean(self) -> float:
        """The posterior mean."""
        return (1 + self.failed) / (2 + self.failed + self.passed)


def surely_worse(seen: Rate, known: Rate) -> bool:
    """Whether what was seen fails more often than what is known."""
    return exceeds(seen, known) >= SURE


def exceeds(one: Rate, other: Rate) -> float:
    """P(rate of `one` > rate of `other`), exactly.

    For Beta distributions with whole parameters this is a finite sum (Evan Miller, "Formulas for
    Bayesian A/B testing", 2015).
    """
    a, b = 1 + one.failed, 1 + one.passed
    c, d = 1 + other.failed, 1 + other.passed
    return sum(
        exp(_beta(c + i, b + d) - log(b + i) - _beta(1 + i, b) - _beta(c, d)) for i in range(a)
    )


def _beta(a: float, b: float) -> float:
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def risk_of(prior: float, rejected: int, landed: int, strength: float = 6.0) -> float:
    """The probability that a change is bad: what its agent said, weighed with what became of its like.

    `prior` counts as `strength` changes that were seen.
    """
    return (strength * (1 - prior) + rejected) / (strength + rejected + landed)
