"""Simulated targets whose culprits are known, on which the gate and its peers are measured.

A world is drawn from a seed and never changes; a `Target` is a world with a head that moves. Sets
of changes are bit masks, so that a thousand worlds take minutes.

A full run costs 1. A targeted run costs `targeted`, or the share of the suite that its tests make
up if that is larger.
"""

import math
import random  # noqa: TID251 - a world is drawn from its seed, here and nowhere else
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from services.validator.decision.evidence import (
    DoesNotApply,
    NoReport,
    RunComparison,
    RunEvidence,
    RunPlan,
    SuiteProfile,
)

TESTS_PER_COMPONENT = 100
# A change breaks tests of its own component with this probability, else any test.
OWN_COMPONENT_SHARE = 0.9


@dataclass(frozen=True)
class Fault:
    """Tests that fail where all changes of the mask `together` are in and none of `mended`."""

    together: int
    tests: frozenset[str]
    mended: int = 0


@dataclass(frozen=True)
class Odds:
    """The probabilities that a world is drawn from, per change or per pair of changes.

    `mended` is for a fault that another change mends, `stacked` for a change that needs an earlier
    one, `silent` for one with which no run gives a report, `unsettling` for one that makes a test
    flaky, and `testing` for one that adds a test. `flaky` is the number of flaky tests, `flake`
    their failure rate, `infrastructure` the share of runs that give no report, and `targeted` the
    cost of a targeted run. One field per probability.
    """

    size: int = 100
    bad: float = 0.1
    components: int = 10
    conflicts_within: float = 0.01
    conflicts_across: float = 0.0005
    mended: float = 0.0
    stacked: float = 0.0
    silent: float = 0.0
    unsettling: float = 0.0
    testing: float = 0.0
    flaky: int = 0
    flake: float = 0.02
    infrastructure: float = 0.0
    targeted: float = 0.1

    def refused(self) -> float:
        """Return the probability that a change is bad, or the later one of a conflict.

        That is what a prior from history would say.
        """
        near = 1 / self.components
        pair = near * self.conflicts_within + (1 - near) * self.conflicts_across
        return 1 - (1 - self.bad) * math.pow(1 - pair * (1 - self.bad), (self.size - 1) / 2)


@dataclass(frozen=True)
class World:
    """N changes, a suite, and everything that is true about both.

    `component` has the component of each change, `risk` is the prior of each, `needs` has by change
    those that it needs, `silent` are the changes with which no run gives a report, `flaky` has the
    failure rates of the first head's flaky tests, `unsettled` the tests that changes make flaky,
    and `new` the tests that changes add, with their rates. With `only_full`, runs of chosen tests
    give no report, as with a runner that cannot select tests.

    One field per property of a simulated world.
    """

    seed: str
    size: int
    suite: tuple[str, ...]
    faults: tuple[Fault, ...] = ()
    risk: float = 0.1
    targeted: float = 0.1
    infrastructure: float = 0.0
    component: tuple[int, ...] = ()
    only_full: bool = False
    needs: Mapping[int, frozenset[int]] = field(default_factory=dict)
    silent: frozenset[int] = frozenset()
    flaky: Mapping[str, float] = field(default_factory=dict)
    unsettled: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    new: Mapping[int, Mapping[str, float]] = field(default_factory=dict)

    def failing(self, mask: int) -> frozenset[str]:
        """Return the tests that fail with these changes whenever they run."""
        found: set[str] = set()
        for fault in self.faults:
            if fault.together & mask == fault.together and not fault.mended & mask:
                found |= fault.tests
        return frozenset(found)

    def flaky_with(self, mask: int) -> Iterator[tuple[str, float]]:
        """Yield the tests that are flaky with these changes, with their failure rates."""
        yield from self.flaky.items()
        for table in (self.unsettled, self.new):
            for change, tests in table.items():
                if mask >> change & 1:
                    yield from tests.items()

    def tests_of(self, mask: int) -> frozenset[str]:
        """Return the tests that these changes add to the suite."""
        return frozenset(t for n, tests in self.new.items() if mask >> n & 1 for t in tests)

    def harm(self, change: int, head: int) -> bool:
        """Return whether this change breaks a test of a head, or adds or makes a flaky one."""
        with_it = head | 1 << change
        chances = [*self.unsettled.get(change, {}).values(), *self.new.get(change, {}).values()]
        return any(chances) or bool(self.failing(with_it) - self.failing(head))

    def wrong(self, head: int) -> frozenset[str]:
        """Return the tests that passed on the first head and fail on this one (a wrong landing)."""
        return self.failing(head) - self.failing(0)

    def price(self, plan: RunPlan) -> float:
        """Return the cost of a run in suite runs."""
        if not plan.tests:
            return float(plan.repeat)
        share = plan.repeat * len(plan.tests) / len(self.suite)
        return min(max(self.targeted, share), plan.repeat)

    def suite_profile(self) -> SuiteProfile:
        """Return what a use case would know of the suite, where every test takes equally long."""
        each = (1 - self.targeted) / len(self.suite)
        return SuiteProfile(durations=dict.fromkeys(self.suite, each), startup=self.targeted)

    def needs_of(self, change: int) -> int:
        """Return the mask of what a change needs, directly or not."""
        found, left = 0, set(self.needs.get(change, ()))
        while left:
            need = left.pop()
            found |= 1 << need
            left |= {each for each in self.needs.get(need, ()) if not found >> each & 1}
        return found


def impact(world: World, recall: float) -> list[frozenset[str]]:
    """Return the tests that seem to reach each change.

    These are a share `recall` of its component's tests and of those that it breaks.
    """
    chance = random.Random(f"{world.seed}/impact")  # noqa: S311
    found = []
    for change, component in enumerate(world.component):
        reached = {test for test in world.suite if test.startswith(f"tests/test_{component}.py")}
        reached |= {t for each in world.faults if each.together >> change & 1 for t in each.tests}
        found.append(frozenset(test for test in sorted(reached) if chance.random() < recall))
    return found


@dataclass
class Target:
    """A world with a head; what a run shows depends on the seed, the head and the run alone."""

    world: World
    head: int = 0

    def observe(self, plan: RunPlan, attempt: int = 0) -> RunEvidence:
        """Return what a run of the head with some changes shows."""
        mine = mask(plan.changes)
        there = mine | self.head
        if any(self.world.needs_of(each) & ~there for each in members(mine)):
            return DoesNotApply()
        seed = f"{self.world.seed}/{self.head}/{_key(plan)}/{attempt}"
        chance = random.Random(seed)  # noqa: S311
        lost = chance.random() < self.world.infrastructure or (self.world.only_full and plan.tests)
        if lost or mine & mask(self.world.silent):
            return NoReport("no report")
        return self._compared(plan, there, chance)

    def _compared(self, plan: RunPlan, there: int, chance: random.Random) -> RunComparison:
        """Return how a run compares with the head; `there` is the mask of changes in its tree."""
        world = self.world
        new = world.tests_of(there) - world.tests_of(self.head)
        failures = dict.fromkeys(world.failing(there) - world.failing(self.head), plan.repeat)
        for test, rate in world.flaky_with(there):
            failed = sum(chance.random() < rate for _ in range(plan.repeat))
            if failed and (not plan.tests or test in plan.tests or test in new):
                failures.setdefault(test, failed)
        if plan.tests:
            requested = {*plan.tests, *new}
            failures = {test: count for test, count in failures.items() if test in requested}
        return RunComparison(frozenset(failures), new, failures if plan.repeat > 1 else {})


def _key(plan: RunPlan) -> str:
    """Return a text of the plan for a seed; with another text, all figures would be others."""
    return (
        f"Run(changes={plan.changes!r}, tests={plan.tests!r}, "
        f"repetition={plan.repetition!r}, repeat={plan.repeat!r})"
    )


def members(mask_: int) -> list[int]:
    """Return the changes in a mask, in order."""
    found = []
    while mask_:
        lowest = mask_ & -mask_
        found.append(lowest.bit_length() - 1)
        mask_ ^= lowest
    return found


def mask(changes: Iterable[str | int]) -> int:
    """Return the bit mask of some changes, given by their numbers."""
    found = 0
    for each in changes:
        found |= 1 << int(each)
    return found


def draw(seed: int, odds: Odds) -> World:
    """Return a world drawn by these odds; the same seed and odds always give the same one."""
    chance = random.Random(f"{seed}/{odds}")  # noqa: S311 - a simulation
    return _Drawing(chance, odds).world(f"{seed}/{odds}")


class _Drawing:
    def __init__(self, chance: random.Random, odds: Odds) -> None:
        self.chance = chance
        self.odds = odds
        self.place = [chance.randrange(odds.components) for _ in range(odds.size)]
        self.modules = [
            [f"tests/test_{c}.py::test_{n}" for n in range(TESTS_PER_COMPONENT)]
            for c in range(odds.components)
        ]
        self.suite = tuple(test for module in self.modules for test in module)

    def world(self, seed: str) -> World:
        """Draw the changes, faults and tests of a simulated world, which is named after `seed`."""
        odds, everyone = self.odds, range(self.odds.size)
        bad = {each for each in everyone if self.hit(odds.bad)}
        faults = [self.fault(each) for each in sorted(bad)]
        faults += self.conflicts([each for each in everyone if each not in bad])
        new = {n: f"tests/test_new_{n}.py::test_new" for n in everyone if self.hit(odds.testing)}
        faults += [Fault(1 << n, frozenset({test})) for n, test in new.items() if self.hit(0.25)]
        return World(
            seed=seed,
            size=odds.size,
            suite=self.suite,
            faults=tuple(faults),
            risk=odds.refused(),
            targeted=odds.targeted,
            infrastructure=odds.infrastructure,
            component=tuple(self.place),
            needs={
                n: frozenset({self.chance.randrange(n)})
                for n in everyone
                if n and self.hit(odds.stacked)
            },
            silent=frozenset(n for n in everyone if self.hit(odds.silent)),
            flaky=dict.fromkeys(self.chance.sample(self.suite, odds.flaky), odds.flake),
            unsettled={n: {self.test(n): 0.5} for n in everyone if self.hit(odds.unsettling)},
            new={n: {test: 0.3 if self.hit(0.25) else 0.0} for n, test in new.items()},
        )

    def hit(self, chance: float) -> bool:
        """Return True with the probability `chance`."""
        return chance > 0 and self.chance.random() < chance

    def fault(self, change: int) -> Fault:
        """Draw the tests that one change breaks, and perhaps another change that mends them."""
        tests = frozenset(self.test(change) for _ in range(self.chance.randint(1, 4)))
        others = [each for each in range(self.odds.size) if each != change]
        mends = bool(others) and self.hit(self.odds.mended)
        return Fault(1 << change, tests, 1 << self.chance.choice(others) if mends else 0)

    def conflicts(self, innocent: list[int]) -> Iterator[Fault]:
        """Draw the faults of pairs of changes that break nothing alone."""
        odds = self.odds
        for one, other in combinations(innocent, 2):
            near = self.place[one] == self.place[other]
            if self.hit(odds.conflicts_within if near else odds.conflicts_across):
                tests = frozenset(self.test(one) for _ in range(self.chance.randint(1, 2)))
                yield Fault(1 << one | 1 << other, tests)

    def test(self, change: int) -> str:
        """Return a random test that a change may break, mostly one of its own component."""
        own = self.modules[self.place[change]]
        is_own = self.chance.random() < OWN_COMPONENT_SHARE
        return self.chance.choice(own if is_own else self.suite)
