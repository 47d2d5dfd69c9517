"""The dependencies of the use cases of the coordinator."""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from shared.contracts.documents.agents import Stint
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.targets import Target
from shared.contracts.states import WaveState
from shared.kernel.clock import Clock
from shared.kernel.ids import NewId
from shared.messaging.ports import Messenger
from shared.mongo.collections import Store
from shared.targets.mirror import Mirror

OPEN_WAVE_STATES = [WaveState.PLANNED, WaveState.RUNNING, WaveState.FINISHING]


@dataclass(frozen=True)
class CoordinatorDeps:
    """The ports of the use cases, and the run-time state of this process.

    `locks` keep two messages from advancing one wave at once, by wave id or location. `published`
    are the ids of finished waves and tasks whose end this process has published. `heartbeats` are
    the last ones of the active agents, by id, with the times at which this process first saw them,
    and `changes` are those of waves as they were read last, by id.
    """

    store: Store
    bus: Messenger
    home: Path
    clock: Clock
    new_id: NewId
    published: set[str] = field(default_factory=set)
    changes: dict[str, Enhancement] = field(default_factory=dict)
    heartbeats: dict[str, tuple[Stint, datetime]] = field(default_factory=dict)
    locks: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    def mirror(self, target: Target) -> Mirror:
        """Return the private bare repository of `target`."""
        return Mirror.at(self.home, target.id)
