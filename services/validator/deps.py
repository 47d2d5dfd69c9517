"""What the validator's use cases work with."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from services.validator.backtest.ports import History
from services.validator.benchmarks.ports import Benchmarks
from services.validator.findings.ports import Detectors
from services.validator.git.ports import Repository
from services.validator.mutation.ports import Faults
from services.validator.review.ports import Forge, Remote
from services.validator.runs.ports import Slots
from services.validator.suite.ports import Suite
from shared.contracts.documents.targets import Target
from shared.environments.ports import Environments
from shared.kernel.clock import Clock
from shared.kernel.ids import NewId
from shared.messaging.ports import Publisher
from shared.mongo.collections import Store
from shared.mongo.leadership import Leadership
from shared.sandbox.ports import Sandbox
from shared.targets.mirror import Mirror


@dataclass(frozen=True)
class ValidatorDeps:
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
    leadership: Leadership
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

    def mirror(self, target: Target) -> Mirror:
        """The private bare repository of `target`."""
        return Mirror.at(self.home, target.id)
