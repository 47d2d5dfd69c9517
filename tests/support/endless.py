"""Infinite mode over a store in memory, on a machine whose figures tests set."""

from dataclasses import dataclass, field
from pathlib import Path

from services.coordinator.usecases import CoordinatorDeps, InfiniteLoop
from shared.mongo.leadership import Leadership
from tests.support.coordinating import a_coordinator


@dataclass
class SetMachine:
    """A machine with the figures that it is told to have."""

    disk: int = 1 << 40
    busy: float = 0.5
    memory: float = 0.5

    def free_bytes(self) -> int:
        return self.disk

    def load(self) -> float:
        return self.busy

    def free_memory(self) -> float:
        return self.memory


@dataclass
class Endless:
    """A coordinator and its loop; `restarted` is another process over the same store."""

    home: Path
    deps: CoordinatorDeps
    loop: InfiniteLoop
    machine: SetMachine = field(default_factory=SetMachine)

    def restarted(self) -> "Endless":
        deps = CoordinatorDeps(
            store=self.deps.store,
            bus=self.deps.bus,
            home=self.home,
            clock=self.deps.clock,
            new_id=self.deps.new_id,
        )
        return Endless(self.home, deps, _loop(deps, self.machine), self.machine)


def an_endless(home: Path) -> Endless:
    deps, machine = a_coordinator(home), SetMachine()
    return Endless(home, deps, _loop(deps, machine), machine)


def _loop(deps: CoordinatorDeps, machine: SetMachine) -> InfiniteLoop:
    locks = deps.home / "leadership"
    return InfiniteLoop(Leadership(deps.store.leader_leases, "test", locks), machine)
