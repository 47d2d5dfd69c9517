"""Find out what infinite mode decides by: the target, its changes, the machine."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.coordinator.deps import OPEN_WAVE_STATES, CoordinatorDeps
from services.coordinator.domain.infinite import Facts
from services.coordinator.domain.throttle import Signals
from services.coordinator.domain.waves import FAILED_TASK_STATES
from services.coordinator.ports import MachineFigures
from services.coordinator.usecases.assign import count_open
from shared.contracts.documents.agents import Agent
from shared.contracts.documents.infinite import InfiniteMode
from shared.contracts.documents.targets import Target
from shared.contracts.documents.waves import Wave
from shared.contracts.states import TASK, EnhancementState
from shared.kernel.errors import Rejected
from shared.targets.config import FILE, InfiniteSection, parse_config

MIN_SAMPLE = 4


@dataclass(frozen=True)
class _Place:
    """What the base branch of a target is like: its tip, and the limits that it sets."""

    base: str | None
    limits: InfiniteSection


async def gather_facts(mode: InfiniteMode, machine: MachineFigures, deps: CoordinatorDeps) -> Facts:
    """Return what is known about a target on which infinite mode runs no wave."""
    target = await deps.store.targets.require(mode.target_id)
    place = await asyncio.to_thread(_look_at, target, deps)
    other = await deps.store.waves.first(target_id=target.id, state=OPEN_WAVE_STATES)
    return Facts(
        open_changes=await count_open(target.id, deps),
        other_wave=other.id if other is not None else "",
        news=await _news(mode, place, deps),
        spent_seconds=await _spent_today(mode, place.limits, deps),
        free_bytes=machine.free_bytes(),
        limits=place.limits,
    )


async def read_limits(mode: InfiniteMode, deps: CoordinatorDeps) -> InfiniteSection:
    """Return the limits that the target sets, as last fetched; the defaults where it sets none."""
    target = await deps.store.targets.require(mode.target_id)
    return await asyncio.to_thread(_limits, target, deps)


async def base_of(mode: InfiniteMode, deps: CoordinatorDeps) -> str | None:
    """Return the tip of the base branch of a target, as last fetched."""
    target = await deps.store.targets.require(mode.target_id)
    mirror = deps.mirror(target)
    exists = mirror.path.exists()
    return await asyncio.to_thread(mirror.branch, target.base_branch) if exists else None


def _look_at(target: Target, deps: CoordinatorDeps) -> _Place:
    """Fetch a target, and return what its base branch is like. Raises `Transient`."""
    mirror = deps.mirror(target)
    mirror.fetch(target.location)
    return _Place(mirror.branch(target.base_branch), _limits(target, deps))


def _limits(target: Target, deps: CoordinatorDeps) -> InfiniteSection:
    """Return the limits of a target; those of an unreadable file are the defaults.

    No wave can be started with such a file, which then says so.
    """
    mirror = deps.mirror(target)
    tree = mirror.base_tree(target) if mirror.path.exists() else None
    content = tree.read(FILE) if tree is not None else None
    try:
        return parse_config(content or b"").infinite
    except Rejected:
        return InfiniteSection()


async def _news(mode: InfiniteMode, place: _Place, deps: CoordinatorDeps) -> str:
    """Return what is new since the last wave began, in words; empty if nothing is."""
    if mode.head is not None and place.base != mode.head:
        return "The base branch has new commits."
    imported = await deps.store.imports.find_between(
        "imported_at", mode.looked_at, None, limit=1, target_id=mode.target_id
    )
    return "Findings were imported." if imported else ""


async def _spent_today(mode: InfiniteMode, limits: InfiniteSection, deps: CoordinatorDeps) -> float:
    """Return how many seconds agents and test runs took on a target today; 0 without a budget."""
    if not limits.seconds_per_day:
        return 0.0
    now = deps.clock()
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    runs = await deps.store.runs.find_between("created_at", today, None, target_id=mode.target_id)
    agents = await deps.store.agents.find_between(
        "deployed_at", today, None, target_id=mode.target_id
    )
    return sum(each.execution.seconds for each in runs) + _agents_seconds(agents, now)


def _agents_seconds(agents: Sequence[Agent], now: datetime) -> float:
    """Return how long agents were at work in all."""
    return sum(each.seconds_until(now) for each in agents)


async def gather_signals(wave: Wave, machine: MachineFigures, deps: CoordinatorDeps) -> Signals:
    """Return how busy the machine is, and how the work of a wave goes."""
    tasks = await deps.store.tasks.find(wave_id=wave.id)
    ended = [each.state in FAILED_TASK_STATES for each in tasks if TASK.terminal(each.state)]
    by_state = {
        state: count
        for (state,), count in (
            await deps.store.enhancements.count_by(["state"], wave_id=wave.id)
        ).items()
    }
    refused = by_state.get(EnhancementState.REJECTED, 0)
    decided = refused + by_state.get(EnhancementState.APPLIED, 0)
    return Signals(
        load=machine.load(),
        free_memory=machine.free_memory(),
        queue=await count_open(wave.target_id, deps),
        failed=max(_share(sum(ended), len(ended)), _share(refused, decided)),
    )


def _share(part: int, whole: int) -> float:
    """Return a share; 0 where there are too few to tell."""
    return part / whole if whole >= MIN_SAMPLE else 0.0
