"""Simulated targets whose truth is known: what the gate and its peers are measured on.

A world is drawn from a seed and never changes; a `Target` is a world with a head that moves. Sets of
changes are bit masks, so that a thousand worlds are a matter of minutes.

A full run costs 1. A targeted run costs `targeted`, and where its tests are a larger share of the
suite than that, their share: nobody gets almost the whole suite for the price of a few tests.
"""

import math
import random  # noqa: TID251 - a world is drawn from its seed, here and nowhere else
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from services.validator.decision.gate import (
    Broken,
    Evidence,
    Knowledge,
    Run,
    Seen,
    Unbuildable,
)

TESTS_PER_COMPONENT = 100
# "Mostly of its component": the rest of what a change breaks is anywhere.
OWN = 0.9


@dataclass(frozen=True)
class Fault:
    """These tests fail wherever all of `together` are in and none of `mended`."""

    together: int
    tests: frozenset[str]
    mended: int = 0


@dataclass(frozen=True)
class Odds:
    """What a world is drawn from; chances are per change, or per pair of changes."""

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
        """How likely a change is refused: bad, or the later one of a conflict. A prior from history says this."""
        near = 1 / self.components
        pair = near * self.conflicts_within + (1 - near) * self.conflicts_across
        return 1 - (1 - self.bad) * math.pow(1 - pair * (1 - self.bad), (self.size - 1) / 2)


@dataclass(frozen=True)
class World:
    """N changes, the suite, and everything that is true about both."""

    seed: str
    size: int
    suite: tuple[str, ...]
    faults: tuple[Fault, ...] = ()
    risk: float = 0.1
    targeted: float = 0.1
    infrastructure: float = 0.0
    component: tuple[int, ...] = ()
    """Each change's; empty where there are none."""
    only_full: bool = False
    """Runs of chosen tests give no report: a runner that cannot select."""
    needs: Mapping[int, frozenset[int]] = field(default_factory=dict)
    silent: frozenset[int] = frozenset()
    """Changes with which no run gives a report."""
    flaky: Mapping[str, float] = field(default_factory=dict)
    """Tests of the first head that fail by chance, and how often."""
    unsettled: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    """Changes that make tests of the suite flaky."""
    new: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    """Changes that add tests, and how often those fail by chance."""

    def failing(self, mask: int) -> frozenset[str]:
        """The tests that fail in this tree whenever they run."""
        found: set[str] = set()
        for fault in self.faults:
            if fault.together & mask == fault.together and not fault.mended & mask:
                found |= fault.tests
        return frozenset(found)

    def fickle(self, mask: int) -> Iterator[tuple[str, float]]:
        """The tests that fail in this tree by chance, and how often."""
        yield from self.flaky.items()
        for table in (self.unsettled, self.new):
            for change, tests in table.items():
                if mask >> change & 1:
                    yield from tests.items()

    def tests_of(self, mask: int) -> frozenset[str]:
        """The tests that these changes add to the suite."""
        return frozenset(t for n, tests in self.new.items() if mask >> n & 1 for t in tests)

    def harm(self, change: int, head: int) -> bool:
        """Whether a head gets worse by this change alone."""
        with_it = head | 1 << change
        chances = [*self.unsettled.get(change, {}).values(), *self.new.get(change, {}).values()]
        return any(chances) or bool(self.failing(with_it) - self.failing(head))

    def wrong(self, head: int) -> frozenset[str]:
        """The tests that passed on the first head and fail on this one: a wrong landing."""
        return self.failing(head) - self.failing(0)

    def price(self, run: Run) -> float:
        """In suite runs."""
        if not run.tests:
            return float(run.repeat)
        return min(max(self.targeted, run.repeat * len(run.tests) / len(self.suite)), run.repeat)

    def knowledge(self) -> Knowledge:
        """What a use case would know about the cost of runs: every test as long as the other."""
        each = (1 - self.targeted) / len(self.suite)
        return Knowledge(durations=dict.fromkeys(self.suite, each), startup=self.targeted)

    def standing_on(self, change: int) -> int:
        """What a change needs, and what that needs."""
        found, left = 0, set(self.needs.get(change, ()))
        while left:
            need = left.pop()
            found |= 1 << need
            left |= {each for each in self.needs.get(need, ()) if not found >> each & 1}
        return found


def impact(world: World, recall: float) -> list[frozenset[str]]:
    """What each change seems to reach: of its component's tests and of those that it breaks, this share."""
    chance = random.Random(f"{world.seed}/impact")  # noqa: S311
    found = []
    for change, component in enumerate(world.component):
        reached = {test for test in world.suite if test.startswith(f"tests/test_{component}.py")}
        reached |= {t for each in world.faults if each.together >> change & 1 for t in each.tests}
        found.append(frozenset(test for test in sorted(reached) if chance.random() < recall))
    return found


@dataclass
class Target:
    """A world with a head. What a run shows depends on the seed, the head and the run alone."""

    world: World
    head: int = 0

    def observe(self, run: Run, attempt: int = 0) -> Evidence:
        """What a run of the head with some changes shows."""
        mine = mask(run.changes)
        there = mine | self.head
        if any(self.world.standing_on(each) & ~there for each in members(mine)):
            return Unbuildable()
        chance = random.Random(f"{self.world.seed}/{self.head}/{run}/{attempt}")  # noqa: S311
        lost = chance.random() < self.world.infrastructure or (self.world.only_full and run.tests)
        if lost or mine & mask(self.world.silent):
            return Broken("no report")
        return self._reported(run, there, chance)

    def _reported(self, run: Run, there: int, chance: random.Random) -> Seen:
        world = self.world
        new = world.tests_of(there) - world.tests_of(self.head)
        failures = dict.fromkeys(world.failing(there) - world.failing(self.head), run.repeat)
        for test, rate in world.fickle(there):
            failed = sum(chance.random() < rate for _ in range(run.repeat))
            if failed and (not run.tests or test in run.tests or test in new):
                failures.setdefault(test, failed)
        if run.tests:
            asked = {*run.tests, *new}
            failures = {test: count for test, count in failures.items() if test in asked}
        return Seen(frozenset(failures), new, failures if run.repeat > 1 else {})


def members(mask_: int) -> list[int]:
    """The changes in a mask."""
    found = []
    while mask_:
        lowest = mask_ & -mask_
        found.append(lowest.bit_length() - 1)
        mask_ ^= lowest
    return found


def mask(changes: Iterable[str | int]) -> int:
    """The mask of some changes."""
    found = 0
    for each in changes:
        found |= 1 << int(each)
    return found


def draw(seed: int, odds: Odds) -> World:
    """The world of a seed."""
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
        return chance > 0 and self.chance.random() < chance

    def fault(self, change: int) -> Fault:
        """Some tests that one change breaks, and now and then another one mends."""
        tests = frozenset(self.test(change) for _ in range(self.chance.randint(1, 4)))
        others = [each for each in range(self.odds.size) if each != change]
        mends = bool(others) and self.hit(self.odds.mended)
        return Fault(1 << change, tests, 1 << self.chance.choice(others) if mends else 0)

    def conflicts(self, innocent: list[int]) -> Iterator[Fault]:
        """What two changes break that break nothing alone."""
        odds = self.odds
        for one, other in combinations(innocent, 2):
            near = self.place[one] == self.place[other]
            if self.hit(odds.conflicts_within if near else odds.conflicts_across):
                tests = frozenset(self.test(one) for _ in range(self.chance.randint(1, 2)))
                yield Fault(1 << one | 1 << other, tests)

    def test(self, change: int) -> str:
        own = self.modules[self.place[change]]
        return self.chance.choice(own if self.chance.random() < OWN else self.suite)
