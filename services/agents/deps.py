"""What the agents' use cases work with."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from shared.agent_types import AgentSpec, Engine
from shared.contracts.documents.agents import Agent
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

    `guards` are the names of the detectors that only the gate runs.
    """

    spec: AgentSpec
    detectors: tuple[Detector, ...]
    engine: Engine
    guards: tuple[str, ...] = ()

    @property
    def detector_names(self) -> tuple[str, ...]:
        """The names of the detectors by which the gate checks a proposal of this type."""
        return (*(each.name for each in self.detectors), *self.guards)


@dataclass(frozen=True)
class AgentDeps:
    """Built by main; `me` is the agent that this process is, `running` the tasks it performs."""

    store: Store
    bus: Messenger
    home: Path
    me: Agent
    served: Mapping[str, ServedType]
    clock: Clock
    new_id: NewId
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
