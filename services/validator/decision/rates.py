"""Failure rates of tests and of changes, as Beta posteriors over counts."""

from dataclasses import dataclass
from math import exp, lgamma, log

# A flaky test counts as worse if its rate is higher than before with at least this probability.
MIN_PROBABILITY_OF_WORSE = 0.995
# The agent's own estimate of a change counts as much as this many changes whose outcome is known.
PRIOR_STRENGTH_CHANGES = 6.0


@dataclass(frozen=True)
class FailureRate:
    """How often something failed and passed.

    With a uniform prior the posterior of its failure rate is Beta(1 + failed, 1 + passed).
    """

    failed: int
    passed: int

    @property
    def total(self) -> int:
        """The number of observations."""
        return self.failed + self.passed

    @property
    def mean(self) -> float:
        """The mean of the posterior of the failure rate, 0.5 without observations."""
        return (1 + self.failed) / (2 + self.failed + self.passed)


def is_surely_worse(observed: FailureRate, known: FailureRate) -> bool:
    """Return true if the observed rate exceeds the known one beyond reasonable doubt."""
    return probability_greater(observed, known) >= MIN_PROBABILITY_OF_WORSE


def probability_greater(one: FailureRate, other: FailureRate) -> float:
    """Return P(rate of `one` > rate of `other`), exactly.

    For Beta distributions with integer parameters this is a finite sum (Evan Miller, "Formulas for
    Bayesian A/B testing", 2015).
    """
    a, b = 1 + one.failed, 1 + one.passed
    c, d = 1 + other.failed, 1 + other.passed
    return sum(
        exp(_log_beta(c + i, b + d) - log(b + i) - _log_beta(1 + i, b) - _log_beta(c, d))
        for i in range(a)
    )


def _log_beta(a: float, b: float) -> float:
    """Return the natural logarithm of the Beta function."""
    return lgamma(a) + lgamma(b) - lgamma(a + b)


def posterior_risk(
    prior: float, rejected: int, landed: int, strength: float = PRIOR_STRENGTH_CHANGES
) -> float:
    """Return the probability that a change is bad.

    `prior` is the agent's probability that the change is good; it counts as much as `strength` past
    changes of the same kind, of which `rejected` were rejected and `landed` landed (the mean of a
    Beta posterior).
    """
    return (strength * (1 - prior) + rejected) / (strength + rejected + landed)
