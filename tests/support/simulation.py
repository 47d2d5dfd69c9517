"""Infinite mode in simulated time: the coordinator is real, all others are chance.

Messages are lost or come twice, agents fail, the gate refuses, people decide late, the coordinator
dies in the middle of what it does, and somebody pushes to the target now and then.
"""

import random
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from services.coordinator import usecases
from services.coordinator.deps import OPEN_WAVE_STATES
from services.coordinator.usecases.assign import count_open
from shared.contracts.answers import Acknowledgement
from shared.contracts.base import Message
from shared.contracts.commands import (
    AcquireLease,
    LeaseGrant,
    MeasureFindings,
    ReleaseLease,
    StartInfiniteMode,
)
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.findings import FindingSet, Inspection
from shared.contracts.documents.waves import Task
from shared.contracts.events import WaveFinished
from shared.contracts.states import EnhancementState, InfiniteState, TaskState
from shared.contracts.work import PerformTask
from shared.kernel.errors import Transient
from tests.support.builders import a_finding, an_enhancement
from tests.support.endless import Endless, an_endless
from tests.support.repositories import a_repository, commit

STEP_SECONDS = 10
MAX_OPEN = 8
CONFIG = "[infinite]\nplateau_minutes = 10\n"
FILES = tuple(f"m{number}.py" for number in range(6))
E = EnhancementState
AT_THE_GATE = [
    ("validate", "pass", "land"),
    ("validate", "reject"),
    ("validate", "request_approval"),
]
BY_PEOPLE = [("approve",), ("reject",)]


class CoordinatorDied(BaseException):
    """The process ends in the middle of something; nothing of it catches this."""


@dataclass
class SimulatedBus:
    """Keeps what agents and detectors are to do; loses some of it, and dies now and then."""

    chance: random.Random
    work: deque[Message] = field(default_factory=deque)
    stored: set[tuple[str, str]] = field(default_factory=set)
    ends: Counter[str] = field(default_factory=Counter)
    epoch: int = 0

    async def publish(self, message: Message, *, key: str, wave: str = "") -> None:
        if self.chance.random() < 0.002:
            raise CoordinatorDied
        if self.chance.random() < 0.005:
            raise Transient("NATS is away.")
        identity = (type(message).subject, key)
        if identity in self.stored:
            return
        self.stored.add(identity)
        if isinstance(message, WaveFinished):
            self.ends[message.wave_id] += 1
        if isinstance(message, MeasureFindings | PerformTask) and self.chance.random() > 0.05:
            self.work.extend([message] * self.chance.choice([1, 1, 1, 2]))

    async def request(self, message: Message, answer: type, *, timeout: float = 5.0) -> Any:
        if isinstance(message, ReleaseLease):
            return Acknowledgement()
        assert isinstance(message, AcquireLease)
        self.epoch += 1
        return LeaseGrant(granted=self.chance.random() > 0.1, epoch=self.epoch, reason="taken")


@dataclass
class Simulation:
    """A target, a coordinator, and everybody else."""

    place: Path
    chance: random.Random
    endless: Endless
    crashes: int = 0
    pushes: int = 0
    most_open: int = 0

    @property
    def bus(self) -> SimulatedBus:
        return self.endless.deps.bus  # type: ignore[return-value]

    async def begin(self) -> None:
        command = StartInfiniteMode(target=str(self.place), throttle=4, interval_seconds=60)
        await self._surviving(
            usecases.start_infinite_mode(command, self.endless.deps, channel="test")
        )

    async def step(self) -> None:
        """Ten seconds pass, in which everybody does something."""
        self.endless.deps.clock.go(seconds=STEP_SECONDS)  # type: ignore[attr-defined]
        await self._work()
        await self._gate()
        if self.chance.random() < 0.04:
            self.pushes += 1
            commit(self.place, {self.chance.choice(FILES): f"a = {self.pushes}\n"})
        self.endless.machine.busy = self.chance.choice([0.5, 0.5, 1.5, 3.0])
        deps, loop = self.endless.deps, self.endless.loop
        await self._surviving(usecases.run_infinite_modes(deps, loop))
        await self._surviving(usecases.reconcile(deps))
        await self._check()

    async def _surviving(self, doing: Any) -> None:
        """Do something as the coordinator; another process goes on where it dies."""
        try:
            await doing
        except Transient:
            pass  # a periodic task is done again, and a message delivered again
        except CoordinatorDied:
            self.crashes += 1
            self.endless = self.endless.restarted()
            await self._surviving(usecases.pause_after_restart(self.endless.deps))

    async def _work(self) -> None:
        """Agents and detectors do what they have got."""
        for _ in range(len(self.bus.work)):
            message = self.bus.work.popleft()
            if isinstance(message, MeasureFindings):
                await self._measure(message)
            elif isinstance(message, PerformTask):
                await self._perform(message)

    async def _measure(self, command: MeasureFindings) -> None:
        store, target = self.endless.deps.store, command.target_id
        found = tuple(
            a_finding(
                component=(file := self.chance.choice(FILES)).removesuffix(".py"),
                path=file,
                fingerprint=f"{command.commit[:8]}-{number}",
            )
            for number in range(self.chance.randint(0, 12))
        )
        measured = FindingSet(
            id=f"{target}:{command.commit}:ruff",
            target_id=target,
            commit=command.commit,
            detectors="ruff",
            findings=found,
            inspections=(Inspection(agent_type="code_quality", lines=90, rules=7),),
            seconds=1,
            measured_at=self.endless.deps.clock(),
        )
        await store.findings.insert(measured)
        await self._advance(command.wave_id)

    async def _perform(self, work: PerformTask) -> None:
        store = self.endless.deps.store
        task = await store.tasks.require(work.task_id)
        if task.epoch != work.epoch or task.state is not TaskState.ASSIGNED:
            return
        now = self.endless.deps.clock()
        started = await store.tasks.transition(task, "start", changed_at=now)
        assert started is not None
        outcome = self.chance.random()
        if outcome < 0.1:
            await store.tasks.transition(started, "fail", note="x", changed_at=now, finished_at=now)
        elif outcome < 0.2:
            await store.tasks.transition(started, "find_nothing", changed_at=now, finished_at=now)
        else:
            await self._propose(started)
        await self._advance(task.wave_id)

    async def _propose(self, task: Task) -> None:
        store, now = self.endless.deps.store, self.endless.deps.clock()
        limit = task.max_changes or 1
        for number in range(self.chance.randint(1, limit)):
            change = an_enhancement(
                task,
                key=str(number),
                state="cleared",
                fingerprints=(f"{task.commit[:8]}-{self.chance.randint(0, 12)}",),
                created_at=now,
                changed_at=now,
            )
            await store.enhancements.insert(change)
        await store.tasks.transition(task, "propose", enhancements=limit, changed_at=now)

    async def _gate(self) -> None:
        """The gate decides on some changes, and a person on a few."""
        store = self.endless.deps.store
        for change in await store.enhancements.find(state=[E.CLEARED, E.NEEDS_APPROVAL]):
            at_gate = change.state is E.CLEARED
            if self.chance.random() < (0.4 if at_gate else 0.02):
                await self._move(change, self.chance.choice(AT_THE_GATE if at_gate else BY_PEOPLE))
                await self._advance(change.wave_id)

    async def _move(self, change: Enhancement, path: tuple[str, ...]) -> None:
        for trigger in path:
            moved = await self.endless.deps.store.enhancements.transition(
                change, trigger, changed_at=self.endless.deps.clock()
            )
            assert moved is not None
            change = moved

    async def _advance(self, wave_id: str) -> None:
        """The event of something is delivered: mostly once, twice, or never."""
        for _ in range(self.chance.choice([0, 1, 1, 1, 2])):
            await self._surviving(usecases.advance(wave_id, self.endless.deps))

    async def _check(self) -> None:
        """What holds at each moment."""
        [mode] = await self.endless.deps.store.infinite.find() or [None]
        if mode is None:
            return
        open_changes = await count_open(mode.target_id, self.endless.deps)
        self.most_open = max(self.most_open, open_changes)
        assert open_changes <= MAX_OPEN
        running = await self.endless.deps.store.waves.count(state=OPEN_WAVE_STATES)
        assert running <= 1
        if mode.state in {InfiniteState.RUNNING, InfiniteState.BROKEN} and mode.wakes_at:
            assert mode.idle_reason


def a_simulation(home: Path, seed: int) -> Simulation:
    files = dict.fromkeys(FILES, "a = 0\n")
    place = a_repository(home / "target", **{"groundswell.toml": CONFIG}, **files)
    endless = an_endless(home / "home")
    chance = random.Random(seed)
    object.__setattr__(endless.deps, "bus", SimulatedBus(chance))
    return Simulation(place, chance, endless)
