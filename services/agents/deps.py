"""What the agents' use cases work with."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.agents.ports import AgentSlots
from shared.agent_types import AgentSpec, Engine
from shared.contracts.documents.agents import Worker
from shared.contracts.documents.targets import Target
from shared.contracts.documents.waves import Task
from shared.detectors.ports import Detector, Source
from shared.kernel.clock import Clock
from shared.kernel.errors import NotFound
from shared.kernel.ids import NewId
from shared.messaging.ports import Messenger
from shared.mongo.collections import Store
from shared.targets.mirror import Mirror
from shared.targets.profile import profile_target


@dataclass(frozen=True)
class ServedType:
    """An agent type that this process serves, with what its factories made here.

    `guards` are the names of the detectors that only the gate runs, and `advisors` are detectors
    that it does not run.
    """

    spec: AgentSpec
    detectors: tuple[Detector, ...]
    engine: Engine
    guards: tuple[str, ...] = ()
    advisors: tuple[Detector, ...] = ()

    @property
    def measuring(self) -> tuple[Detector, ...]:
        """All detectors that measure findings of a target."""
        return (*self.detectors, *self.advisors)

    @property
    def detector_names(self) -> tuple[str, ...]:
        """The names of the detectors by which the gate checks a proposal of this type."""
        return (*(each.name for each in self.detectors), *self.guards)


@dataclass(frozen=True)
class AgentDeps:
    """Built by main; `me` is the worker that this process is.

    `held` are the tasks that it has taken, by id and lease epoch, and `running` those that it
    performs, by the id of the agent that it runs for each.
    """

    store: Store
    bus: Messenger
    home: Path
    me: Worker
    slots: AgentSlots
    served: Mapping[str, ServedType]
    clock: Clock
    new_id: NewId
    held: set[tuple[str, int]] = field(default_factory=set)
    running: dict[str, Task] = field(default_factory=dict)
    locks: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))


async def read_source(deps: AgentDeps, target: Target, commit: str) -> Source:
    """Return the target at `commit`, fetched where the mirror does not have it yet."""
    return await asyncio.to_thread(_read_source, deps, target, commit)


def _read_source(deps: AgentDeps, target: Target, commit: str) -> Source:
    """Read the target at `commit` from its mirror, which is fetched if it lacks it; blocking."""
    mirror = Mirror.at(deps.home, target.id)
    try:
        tree = mirror.tree(commit)
    except NotFound:
        mirror.fetch(target.location)
        tree = mirror.tree(commit)
    return Source(tree, profile_target(tree, mirror.base_tree(target)), target.id)
