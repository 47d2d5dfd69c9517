"""What infinite mode does by itself: start waves, count what came of them, wait, and give up.

One coordinator at a time does it for a target. Everything it decides by is stored before it acts,
so that another process goes on where one died: the id of a wave is stored before that is started.
"""

import asyncio
import contextlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from services.coordinator.deps import OPEN_WAVE_STATES, CoordinatorDeps
from services.coordinator.domain import breaker as breakers
from services.coordinator.domain.infinite import (
    LOOK,
    CloseBreaker,
    Facts,
    Idle,
    OpenBreaker,
    StartWaveNow,
    next_step,
    pause_after,
)
from services.coordinator.domain.throttle import Throttle, adapted
from services.coordinator.ports import MachineFigures
from services.coordinator.usecases.advance import advance
from services.coordinator.usecases.infinite import pause, stop_its_wave
from services.coordinator.usecases.infinite_facts import (
    base_of,
    gather_facts,
    gather_signals,
    read_limits,
)
from services.coordinator.usecases.infinite_notes import (
    close_breaker,
    idle,
    note,
    open_breaker,
    warn_of_budget,
)
from services.coordinator.usecases.start import start_wave
from shared.contracts.base import WaveSize
from shared.contracts.commands import StartWave
from shared.contracts.documents.infinite import InfiniteMode
from shared.contracts.documents.waves import Wave
from shared.contracts.states import EnhancementState, InfiniteState, WaveState
from shared.kernel.errors import Conflict, GroundswellError, Transient
from shared.kernel.ids import derive_uuid7
from shared.mongo.leadership import Leadership
from shared.targets.location import is_on_this_machine

log = structlog.get_logger(__name__)

CHANNEL = "infinite"
# A repository elsewhere is fetched each time.
REMOTE_LOOK = timedelta(minutes=1)
RUNNING_STATES = [InfiniteState.RUNNING, InfiniteState.BROKEN]


@dataclass(frozen=True)
class InfiniteLoop:
    """What the loop needs besides the ports of the use cases.

    `looks` has when each target is looked at next, `throttles` the calm rounds of each.
    """

    leadership: Leadership
    machine: MachineFigures
    looks: dict[str, datetime] = field(default_factory=dict)
    throttles: dict[str, Throttle] = field(default_factory=dict)


async def pause_after_restart(deps: CoordinatorDeps) -> None:
    """Pause infinite mode where a person wished that it does not go on after a restart."""
    for mode in await deps.store.infinite.find(state=RUNNING_STATES):
        if not mode.settings.resume_after_restart:
            await pause(mode, "the stack was started again", deps)


async def run_infinite_modes(deps: CoordinatorDeps, loop: InfiniteLoop) -> None:
    """Do what is due on each target where infinite mode runs: one query where nothing is."""
    now = deps.clock()
    modes = await deps.store.infinite.find(state=RUNNING_STATES)
    due = [each for each in modes if _is_due(each, loop, now)]
    await asyncio.gather(*(_lead(each.id, deps, loop) for each in due))


def _is_due(mode: InfiniteMode, loop: InfiniteLoop, now: datetime) -> bool:
    """Return whether infinite mode on a target is to be looked at now."""
    look = loop.looks.get(mode.id)
    return look is None or look <= now or mode.wakes_at is None or mode.wakes_at <= now


async def _lead(target_id: str, deps: CoordinatorDeps, loop: InfiniteLoop) -> None:
    """Take the next steps on a target, unless another process does."""
    with contextlib.suppress(Transient):
        await loop.leadership.lead(f"{target_id}-infinite", lambda: step(target_id, deps, loop))


async def step(target_id: str, deps: CoordinatorDeps, loop: InfiniteLoop) -> None:
    """Take the next steps of infinite mode on one target, as far as its state allows."""
    mode = await deps.store.infinite.require(target_id)
    if mode.state not in RUNNING_STATES:
        return
    wave = await deps.store.waves.get(mode.wave_id) if mode.wave_id else None
    if mode.wave_id and wave is None:
        await _start(mode, deps)
    elif wave is not None and wave.state in OPEN_WAVE_STATES:
        await _while_it_runs(mode, wave, deps, loop)
    else:
        if wave is not None and mode.counted_wave_id != wave.id:
            mode = await _count(mode, wave, deps)
        loop.looks[target_id] = deps.clock() + await _look_interval(mode, deps)
        await _decide(mode, deps, loop)


async def _look_interval(mode: InfiniteMode, deps: CoordinatorDeps) -> timedelta:
    """Return after what time a target without a wave is looked at again for what is new."""
    target = await deps.store.targets.require(mode.target_id)
    return LOOK if is_on_this_machine(target.location) else REMOTE_LOOK


async def _while_it_runs(
    mode: InfiniteMode, wave: Wave, deps: CoordinatorDeps, loop: InfiniteLoop
) -> None:
    """Adapt how many agents are at work at once to the machine, while a wave runs."""
    if (look := loop.looks.get(mode.id)) is not None and look > deps.clock():
        return
    loop.looks[mode.id] = deps.clock() + LOOK
    signals = await gather_signals(wave, loop.machine, deps)
    known = loop.throttles.get(mode.id, Throttle(mode.throttle_now))
    now = adapted(known, signals, wanted=mode.settings.throttle)
    loop.throttles[mode.id] = now
    if now.agents != mode.throttle_now:
        await note(mode, deps, throttle_now=now.agents)
    if now.agents != wave.throttle:
        log.info("throttle_adapted", target=mode.id, agents=now.agents)
        await deps.store.waves.set_fields(wave.id, throttle=now.agents)
        await advance(wave.id, deps)


async def _count(mode: InfiniteMode, wave: Wave, deps: CoordinatorDeps) -> InfiniteMode:
    """Store what came of a wave that has ended; return infinite mode as it is now."""
    changes = await deps.store.enhancements.find(wave_id=wave.id)
    if wave.state is WaveState.FAILED:
        reason = wave.failure.message if wave.failure else "no reason is known"
        breaker = breakers.after_failure(mode.breaker, reason)
    else:
        breaker = breakers.after_changes(mode.breaker, changes)
    landed = any(each.state is EnhancementState.APPLIED for each in changes)
    fruitless = 0 if landed else mode.fruitless + 1
    target = await deps.store.targets.require(mode.target_id)
    return await note(
        mode,
        deps,
        breaker=breaker,
        fruitless=fruitless,
        counted_wave_id=wave.id,
        head=wave.final_commit if target.direct and landed else wave.base_commit,
        looked_at=wave.created_at,
        next_at=(wave.finished_at or deps.clock()) + await _pause(mode, fruitless, deps),
    )


async def _pause(mode: InfiniteMode, fruitless: int, deps: CoordinatorDeps) -> timedelta:
    """Return how long infinite mode pauses after so many waves that landed nothing."""
    limits = await read_limits(mode, deps)
    return pause_after(fruitless, interval_seconds=mode.settings.interval_seconds, limits=limits)


async def _decide(mode: InfiniteMode, deps: CoordinatorDeps, loop: InfiniteLoop) -> None:
    """Carry out the next step on a target where infinite mode has no wave."""
    try:
        facts = await gather_facts(mode, loop.machine, deps)
    except GroundswellError as error:
        await idle(mode, Idle(f"The target cannot be read: {error}", deps.clock() + LOOK), deps)
        return
    await warn_of_budget(mode, facts, deps)
    match next_step(mode, facts, now=deps.clock()):
        case Idle() as waiting:
            await idle(mode, waiting, deps)
        case OpenBreaker(reason, until):
            await open_breaker(mode, reason, until, deps)
        case CloseBreaker():
            await close_breaker(mode, facts, deps)
        case StartWaveNow():
            await _begin(mode, facts, deps)


async def _begin(mode: InfiniteMode, facts: Facts, deps: CoordinatorDeps) -> None:
    """Store the id of the next wave, and start it."""
    number = mode.waves + 1
    seed = f"{mode.id}:{mode.generation}:{number}"
    moved = await deps.store.infinite.transition(
        mode,
        "note",
        waves=number,
        wave_id=derive_uuid7(seed, int(deps.clock().timestamp() * 1000)),
        fruitless=0 if facts.news else mode.fruitless,
        idle_reason="",
        wakes_at=None,
        changed_at=deps.clock(),
    )
    if moved is not None:
        await _start(moved, deps)


async def _start(mode: InfiniteMode, deps: CoordinatorDeps) -> None:
    """Start the wave whose id is stored; one that was started already is the same wave."""
    target = await deps.store.targets.require(mode.target_id)
    command = StartWave(
        target=target.location,
        base=target.base_branch,
        size=WaveSize.SMALL if mode.settings.throttle <= WaveSize.SMALL.limit else WaveSize.LARGE,
        focus=mode.settings.focus,
        throttle=mode.throttle_now,
        max_open=(await read_limits(mode, deps)).max_open,
        wave_id=mode.wave_id,
    )
    try:
        accepted = await start_wave(command, deps, channel=CHANNEL, requested_by=CHANNEL)
    except (Transient, Conflict) as error:
        # It is tried again under the same id: what is in its way goes away.
        await idle(mode, Idle(f"No wave could be started: {error}", deps.clock() + LOOK), deps)
        return
    except GroundswellError as error:
        await _count_failure(mode, str(error), deps)
        return
    await _after_start(mode, accepted.target_id, deps)


async def _after_start(mode: InfiniteMode, started_on: str, deps: CoordinatorDeps) -> None:
    """Stop the wave again if infinite mode was stopped meanwhile, or another repository got it."""
    now = await deps.store.infinite.require(mode.id)
    if now.state is InfiniteState.STOPPED:
        await stop_its_wave(now, "infinite mode was stopped", deps)
    elif started_on != mode.target_id:
        await stop_its_wave(now, "it is another repository by now", deps)
        await pause(now, "another repository is at the location of the target", deps)


async def _count_failure(mode: InfiniteMode, reason: str, deps: CoordinatorDeps) -> None:
    """Store that a wave could not be started at all; what is new is new no more."""
    await note(
        mode,
        deps,
        wave_id=None,
        breaker=breakers.after_failure(mode.breaker, reason),
        head=await base_of(mode, deps),
        looked_at=deps.clock(),
        next_at=deps.clock() + timedelta(seconds=mode.settings.interval_seconds),
    )
