"""What the coordinator's use cases work with."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from shared.contracts.documents.targets import Target
from shared.contracts.states import WaveState
from shared.kernel.clock import Clock
from shared.kernel.ids import NewId
from shared.messaging.ports import Messenger
from shared.mongo.collections import Store
from shared.targets.mirror import Mirror

OPEN = [WaveState.PLANNED, WaveState.RUNNING, WaveState.FINISHING]


@dataclass(frozen=True)
class CoordinatorDeps:
    """Built by main. `locks` keep two deliveries from advancing the same wave at once.

    `said` are the ends of waves and tasks that this process has said to the end.
    """

    store: Store
    bus: Messenger
    home: Path
    clock: Clock
    new_id: NewId
    said: set[str] = field(default_factory=set)
    locks: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    def mirror(self, target: Target) -> Mirror:
        """The private bare repository of `target`."""
        return Mirror.at(self.home, target.id)
