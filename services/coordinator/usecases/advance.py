"""Advancing a wave as far as its state allows.

Every event that may concern a wave ends here, and so does the reconciler: what comes next is read
from the state, never from the message. Doing it twice, late or out of order changes nothing.
"""

import asyncio

import structlog

from services.coordinator.deps import OPEN, CoordinatorDeps
from services.coordinator.domain import waves
from services.coordinator.usecases import say
from services.coordinator.usecases.agents import watch_agents
from services.coordinator.usecases.end import complete, expire, fail_wave
from services.coordinator.usecases.plan import findings_on, foreclosed_in, plan_wave
from shared.contracts.commands import AcquireLease, LeaseGrant
from shared.contracts.documents.base import Failure
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.waves import Task, Wave
from shared.contracts.events import EnvironmentBuilt, MeasurementFailed
from shared.contracts.states import EnhancementState, TaskState, WaveState
from shared.targets.head import find_head

log = structlog.get_logger(__name__)


async def reconcile(deps: CoordinatorDeps) -> None:
    """Look after the agents, then advance every open wave; say again what seems to be lost."""
    await watch_agents(deps)
    await say.ends_again(deps)
    for wave in await deps.store.waves.find(state=OPEN):
        await advance(wave.id, deps, nudge=True)


async def advance(wave_id: str, deps: CoordinatorDeps, *, nudge: bool = False) -> None:
    """Do for a wave what its state asks for; with `nudge` also repeat what has not moved."""
    async with deps.locks[wave_id]:
        wave = await deps.store.waves.get(wave_id)
        if wave is not None and wave.state is WaveState.PLANNED:
            wave = await plan_wave(wave, deps, nudge=nudge)
        if wave is not None and wave.state is WaveState.RUNNING:
            wave = await _run(wave, deps, nudge=nudge)
        if wave is not None and wave.state is WaveState.FINISHING:
            await _finish(wave, deps, nudge=nudge)


async def note_environment(event: EnvironmentBuilt, deps: CoordinatorDeps) -> None:
    """What the report says about where the tests ran."""
    await deps.store.waves.set_fields(
        event.wave_id, environment_seconds=event.seconds, sandbox=event.sandbox
    )


async def note_failure(event: MeasurementFailed, deps: CoordinatorDeps) -> None:
    """What could not be measured ends the wave, unless it turns out that there is nothing to do."""
    failure = Failure(code=event.code, message=event.reason, hint=event.hint)
    async with deps.locks[event.wave_id]:
        wave = await deps.store.waves.require(event.wave_id)
        if event.measurement == "baseline" and wave.state is WaveState.PLANNED:
            await deps.store.waves.set_fields(wave.id, failure=failure)
        else:
            await fail_wave(wave, failure, deps)
    await advance(event.wave_id, deps)


async def _run(wave: Wave, deps: CoordinatorDeps, *, nudge: bool) -> Wave | None:
    """Assign what waits, finish what was settled, and see whether everything is over."""
    for task in await deps.store.tasks.find(wave_id=wave.id):
        if task.state is TaskState.WAITING:
            await _assign(task, deps)
        elif task.state is TaskState.ASSIGNED:
            if attempt := say.lateness(task.changed_at, deps, nudge=nudge):
                await say.assigned(task, deps, attempt=attempt)
        elif task.state is TaskState.PROPOSED:
            await _settle(task, wave, deps)
    tasks = await deps.store.tasks.find(wave_id=wave.id)
    for task in tasks:
        if task.state is TaskState.WAITING:
            await _assign(task, deps)
    if not waves.over(tasks):
        return wave
    return await _close(wave, deps)


async def _assign(task: Task, deps: CoordinatorDeps) -> None:
    """Ask for the lease; a task whose component is taken goes on waiting."""
    request = AcquireLease(
        target_id=task.target_id,
        wave_id=task.wave_id,
        task_id=task.id,
        component=task.component,
        paths=task.paths,
    )
    grant = await deps.bus.request(request, LeaseGrant)
    if not grant.granted:
        log.info("task_waits", task=task.id, reason=grant.reason)
        return
    assigned = await deps.store.tasks.transition(
        task, "assign", epoch=grant.epoch, changed_at=deps.clock()
    )
    if assigned is not None:
        await say.assigned(assigned, deps)


async def _settle(task: Task, wave: Wave, deps: CoordinatorDeps) -> None:
    """Finish a task whose changes are all decided, and plan what is left of it."""
    changes = await deps.store.enhancements.find(task_id=task.id)
    if wave.dry_run:
        changes = [await _not_tried(each, deps) for each in changes]
    if not waves.settled(changes):
        return
    if not wave.dry_run and waves.needs_follow_up(task, changes):
        await _follow_up(task, wave, deps)
    now = deps.clock()
    done = await deps.store.tasks.transition(task, "finish", changed_at=now, finished_at=now)
    await say.task_finished(done or await deps.store.tasks.require(task.id), deps)


async def _not_tried(change: Enhancement, deps: CoordinatorDeps) -> Enhancement:
    if change.state is not EnhancementState.CLEARED:
        return change
    return await expire(change, "dry run: nothing was tried", deps)


async def _follow_up(task: Task, wave: Wave, deps: CoordinatorDeps) -> None:
    """The same component again, on the present head, without what was refused."""
    target = await deps.store.targets.require(task.target_id)
    mirror = deps.mirror(target)
    await asyncio.to_thread(mirror.fetch, target.location)
    head = await asyncio.to_thread(find_head, mirror, target)
    now = deps.clock()
    again = task.model_copy(
        update={
            "id": deps.new_id(),
            "version": 0,
            "state": TaskState.WAITING,
            "epoch": 0,
            "agent_id": None,
            "commit": head.commit,
            "excluded_fingerprints": tuple(await foreclosed_in(wave, deps)),
            "follow_up_of": task.id,
            "attempt": task.attempt + 1,
            "enhancements": 0,
            "note": "",
            "created_at": now,
            "changed_at": now,
        }
    )
    await deps.store.tasks.insert_missing([again])


async def _close(wave: Wave, deps: CoordinatorDeps) -> Wave | None:
    """Everything is over: note the final head; without a landing there is nothing new to measure."""
    landed = await deps.store.enhancements.find(wave_id=wave.id, state=EnhancementState.APPLIED)
    target = await deps.store.targets.require(wave.target_id)
    mirror = deps.mirror(target)
    await asyncio.to_thread(mirror.fetch, target.location)
    head = await asyncio.to_thread(find_head, mirror, target)
    finishing = await deps.store.waves.transition(
        wave, "finish", final_commit=head.commit, changed_at=deps.clock()
    )
    if finishing is None:
        return None
    if not landed:
        await complete(finishing, deps, notes=(*finishing.notes, *await _why(wave, deps)))
        return None
    await say.measure_after(finishing, deps)
    return finishing


async def _why(wave: Wave, deps: CoordinatorDeps) -> tuple[str, ...]:
    """Why a wave with tasks landed nothing."""
    count = deps.store.enhancements.count
    if wave.dry_run:
        return ("This was a dry run: nothing was tried, nothing landed.",)
    failed = await deps.store.tasks.find(wave_id=wave.id, state=TaskState.FAILED)
    if failed:
        return tuple(f"The task on {each.component} failed: {each.note}" for each in failed)
    if not await count(wave_id=wave.id):
        return ("The agents found nothing that they could change.",)
    refused = await count(wave_id=wave.id, state=EnhancementState.REJECTED)
    waiting = await count(wave_id=wave.id, state=EnhancementState.NEEDS_APPROVAL)
    if waiting:
        return (f"Nothing landed yet: {waiting} that passed wait for your word.",)
    let_go = await count(wave_id=wave.id, state=EnhancementState.EXPIRED)
    return (f"Nothing landed: refused by the gate: {refused}, let go without blame: {let_go}.",)


async def _finish(wave: Wave, deps: CoordinatorDeps, *, nudge: bool) -> None:
    """Complete as soon as the health after it is there."""
    if await findings_on(wave, wave.final_commit or wave.commit, deps) is not None:
        await complete(wave, deps, notes=wave.notes)
    elif attempt := say.lateness(wave.changed_at, deps, nudge=nudge):
        await say.measure_after(wave, deps, attempt=attempt)
