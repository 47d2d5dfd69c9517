"""What the validator's use cases work with."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

from services.validator.ports import (
    Benchmarks,
    Detectors,
    Faults,
    Forge,
    History,
    Publisher,
    Remote,
    Repository,
    Slots,
    Suite,
)
from shared.contracts.documents import Target
from shared.environments.ports import Environment, Environments
from shared.kernel.clock import Clock
from shared.kernel.ids import NewId
from shared.mongo.collections import Store
from shared.sandbox.ports import Sandbox
from shared.targets.components import is_protected
from shared.targets.mirror import Mirror
from shared.targets.profile import TargetProfile, profile


@dataclass(frozen=True)
class Desk:
    """Built by main; one per process.

    `forge` is None without a token, `benchmarks` where none are run. `gates` are the targets' gates at work, `backtests` those at work, `said` the outcomes that
    were said to the end, `asked` the pull requests that were asked for; `bells` wake whoever waits
    for a run, `locks` keep a target's gate and a rollback apart. `identity` is that of all validators
    of this home, `heard` what was last heard of another one's seat or of a runner, and when.

    `runner` is this process as others hear of it. `at_hand` are the runs that it has taken, each as
    it was asked for, and whether they have begun, `awaited` how many here wait for which run; `leaving` is set when it
    has to end. `checks` are the looks at work at what landed, by target; `overdue` are the watches that wait for one, and since when.
    """

    store: Store
    bus: Publisher
    home: Path
    identity: str
    runner: str
    repository: Callable[[Target], Repository]
    remote: Callable[[Target, str], Remote]
    forge: Forge | None
    environments: Environments
    suite: Suite
    detectors: Detectors
    history: Callable[[Target], History]
    faults: Faults
    sandbox: Sandbox
    slots: Slots
    clock: Clock
    new_id: NewId
    benchmarks: Benchmarks | None = None
    gates: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    backtests: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    said: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    heard: dict[str, tuple[int, float]] = field(default_factory=dict)
    checks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    overdue: dict[str, datetime] = field(default_factory=dict)
    bells: dict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))
    at_hand: dict[tuple[str, int], bool] = field(default_factory=dict)
    awaited: Counter[str] = field(default_factory=Counter)
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    locks: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    def mirror(self, target: Target) -> Mirror:
        """The private bare repository of `target`."""
        return Mirror.at(self.home, target.id)


@dataclass(frozen=True)
class Workplace:
    """A target at one commit, with what it takes to run its tests there."""

    target: Target
    mirror: Mirror
    head: str
    profile: TargetProfile
    environment: Environment

    @property
    def tree(self) -> str:
        """The tree of the head commit."""
        return self.mirror.tree(self.head).oid

    @cached_property
    def judges(self) -> str:
        """A digest of the files of the head that say whether a change is good: its tests and all that is protected."""
        return self.mirror.tree(self.head).digest(lambda p: is_protected(p, self.profile.config))


async def workplace(desk: Desk, target: Target, head: str) -> Workplace:
    """Read the target at `head` and prepare its environment; raises what preparing raises."""
    mirror = desk.mirror(target)
    described = await asyncio.to_thread(
        lambda: profile(mirror.tree(head), mirror.base_tree(target))
    )
    tree = mirror.tree(head).oid
    environment = await desk.environments.prepare(target.id, described, tree)
    return Workplace(target, mirror, head, described, environment)
