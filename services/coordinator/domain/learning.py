"""What became of changes by arm, and how likely one of each arm is to stand.

An *arm* is what the planner chooses between: an agent type, a family of rules, a class of
components. All of it is a pure function of the stored changes, so nothing is counted twice.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from services.coordinator.domain.waves import BLAMELESS
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.waves import Opportunity, Task
from shared.contracts.states import EnhancementState
from shared.kernel.chance import Chance

HALF_LIFE = timedelta(days=30)
# How many decided changes what is known of similar arms is worth.
PRIOR_WEIGHT = 2.0
# What is drawn varies as if there were this many times as many changes: the controls look for
# better arms as well, so the draws need to look less far (measured in bench/learning.py).
SHARPNESS = 4.0
# How many decided changes one arm counts for in a wider one at most, so that a family of rules that
# was tried often does not speak for all families of its type.
MAX_WEIGHT_IN_WIDER = 2.0
# One that waits for a person has passed, but does not stand, and may never.
SHARE_THAT_STANDS = {
    EnhancementState.APPLIED: 1.0,
    EnhancementState.NEEDS_APPROVAL: 0.5,
    EnhancementState.REJECTED: 0.0,
    EnhancementState.ROLLED_BACK: 0.0,
}
# The parameters of a Beta distribution are positive.
SMALLEST = 1e-6
UNKNOWN_CLASS = "unknown"
# A code such as F401: its letters name a family of rules that have much in common.
NUMBERED = re.compile(r"([A-Za-z]+)\d+")


class Arm(NamedTuple):
    """An agent type, a family of rules and a class of components; empty stands for all of them."""

    agent_type: str
    family: str = ""
    component_class: str = ""

    @property
    def wider(self) -> tuple["Arm", ...]:
        """The arms that contain this one, the widest first, and itself."""
        return Arm(self.agent_type), Arm(self.agent_type, self.family), self


class ArmOutcome(NamedTuple):
    """What became of one change: the share of it that stands, and when that was decided."""

    arm: Arm
    target_id: str
    stands: float
    at: datetime


@dataclass(frozen=True)
class Counts:
    """How many changes stand, and how many do not; older ones count less."""

    stand: float = 0.0
    fall: float = 0.0

    @property
    def trials(self) -> float:
        """How many changes these are."""
        return self.stand + self.fall

    def plus(self, stands: float) -> "Counts":
        """Return the counts with one more change, of which this share stands."""
        return Counts(self.stand + stands, self.fall + 1 - stands)

    def faded(self, age: timedelta, half_life: timedelta = HALF_LIFE) -> "Counts":
        """Return the counts after so much more time."""
        share = 0.5 ** (max(age, timedelta()) / half_life)
        return Counts(self.stand * share, self.fall * share)

    def and_those(self, others: "Counts") -> "Counts":
        """Return the counts of both together."""
        return Counts(self.stand + others.stand, self.fall + others.fall)

    def at_most(self, trials: float) -> "Counts":
        """Return the counts in the same proportion, of so many changes at most."""
        share = min(trials / self.trials, 1.0) if self.trials else 1.0
        return Counts(self.stand * share, self.fall * share)

    def posterior(self, prior: float) -> "Posterior":
        """Return what is known after these changes, if `prior` was expected before them."""
        return Posterior(
            self.stand + PRIOR_WEIGHT * prior, self.fall + PRIOR_WEIGHT * (1 - prior), self.trials
        )


@dataclass(frozen=True)
class Posterior:
    """The Beta distribution of the probability that a change stands, and the changes it is from."""

    alpha: float
    beta: float
    trials: float = 0.0

    @property
    def mean(self) -> float:
        """The expected probability."""
        return self.alpha / (self.alpha + self.beta)

    def draw(self, chance: Chance) -> float:
        """Return a probability drawn from the distribution (Thompson sampling)."""
        alpha, beta = (max(SHARPNESS * each, SMALLEST) for each in (self.alpha, self.beta))
        return chance.betavariate(alpha, beta)


@dataclass(frozen=True)
class Experience:
    """What became of changes, by arm: on one target, and on all of them."""

    here: Mapping[Arm, Counts] = field(default_factory=dict)
    everywhere: Mapping[Arm, Counts] = field(default_factory=dict)

    @classmethod
    def of(cls, here: Mapping[Arm, Counts], everywhere: Mapping[Arm, Counts]) -> "Experience":
        """Return the experience of these arms, from which that of wider ones follows."""
        families = _widened(everywhere, lambda arm: Arm(arm.agent_type, arm.family))
        types = _widened(families, lambda arm: Arm(arm.agent_type))
        return cls(here, {**types, **families, **everywhere})

    @property
    def has_begun(self) -> bool:
        """Whether any change of this target is decided."""
        return bool(self.here)

    def posterior(self, arm: Arm, prior: float) -> Posterior:
        """Return how likely a change of `arm` is to stand on this target.

        What is known of a wider arm is the prior of the narrower one: `prior` that of the agent
        type, then its family of rules, then the arm on all targets, and at last on this one.
        """
        expected = prior
        for each in arm.wider:
            expected = self.everywhere.get(each, Counts()).posterior(expected).mean
        return self.here.get(arm, Counts()).posterior(expected)


def learn(
    outcomes: Iterable[ArmOutcome],
    target_id: str,
    *,
    now: datetime,
    half_life: timedelta = HALF_LIFE,
) -> Experience:
    """Return what `outcomes` say about a target `now`; their order does not matter."""
    here: dict[Arm, Counts] = defaultdict(Counts)
    exact: dict[Arm, Counts] = defaultdict(Counts)
    for each in outcomes:
        one = Counts().plus(each.stands).faded(now - each.at, half_life)
        exact[each.arm] = exact[each.arm].and_those(one)
        if each.target_id == target_id:
            here[each.arm] = here[each.arm].and_those(one)
    return Experience.of(here, exact)


def _widened(narrow: Mapping[Arm, Counts], wider: Callable[[Arm], Arm]) -> dict[Arm, Counts]:
    """Return the counts of wider arms. Each narrow one weighs little in them, whatever it has."""
    found: dict[Arm, Counts] = defaultdict(Counts)
    for arm, counts in narrow.items():
        found[wider(arm)] = found[wider(arm)].and_those(counts.at_most(MAX_WEIGHT_IN_WIDER))
    return found


def outcomes_of(changes: Iterable[Enhancement], tasks: Iterable[Task]) -> list[ArmOutcome]:
    """Return what became of each change of these tasks that tells something about its arm.

    One that is not decided, or was lost to another change, tells nothing.
    """
    classes = {each.id: each.opportunity.component_class for each in tasks}
    return [
        ArmOutcome(
            arm_of(each, classes.get(each.task_id, "")), each.target_id, share, each.changed_at
        )
        for each in changes
        if (share := SHARE_THAT_STANDS.get(each.state)) is not None
        if not each.decision.reason.startswith(BLAMELESS)
    ]


def arm_of(change: Enhancement, component_class: str) -> Arm:
    """Return the arm of a change in a component of that class."""
    author, fix = change.proposal.author, change.proposal.fix
    return Arm(author.agent_type, family_of(fix.rule), component_class or UNKNOWN_CLASS)


def arm_of_opportunity(opportunity: Opportunity) -> Arm:
    """Return the arm of the changes that an opportunity is about."""
    each = opportunity
    return Arm(each.agent_type, each.family, each.component_class or UNKNOWN_CLASS)


def family_of(rule: str) -> str:
    """Return the family of a rule: its tool, and the letters of a code such as F401."""
    tool, _, code = rule.partition(":")
    numbered = NUMBERED.fullmatch(code)
    return f"{tool}:{numbered[1]}" if numbered else tool
