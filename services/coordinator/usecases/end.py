"""End a wave: completed, stopped by request, or failed."""

from services.coordinator.deps import OPEN_WAVE_STATES, CoordinatorDeps
from services.coordinator.usecases import messages
from shared.contracts.answers import StoppedWaves
from shared.contracts.commands import StopWave
from shared.contracts.documents.base import Failure
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.waves import Task, Wave
from shared.contracts.events import EnhancementExpired
from shared.contracts.states import TASK, WAVE, EnhancementState, TaskState
from shared.kernel.errors import Conflict

# The gate ends what it is judging itself: it checks the wave before anything lands.
BEFORE_THE_GATE = [
    EnhancementState.PROPOSED,
    EnhancementState.CONFLICTING,
    EnhancementState.CLEARED,
]
OPEN_TASK_STATES = [each for each in TaskState if not TASK.terminal(each)]


async def stop_wave(command: StopWave, deps: CoordinatorDeps) -> StoppedWaves:
    """Stop one wave, or every open one; stopping a stopped wave again is allowed.

    Raises `NotFound` where there is no such wave, `Conflict` where it ended otherwise.
    """
    if command.wave_id is None:
        found = await deps.store.waves.find(state=OPEN_WAVE_STATES)
    else:
        found = [await deps.store.waves.require(command.wave_id)]
    stopped = []
    for wave in found:
        if wave.state not in OPEN_WAVE_STATES:
            if wave.state == "stopped":
                stopped.append(wave.id)
                continue
            raise Conflict(f"Wave {wave.id} is already {wave.state}.", code="wave_over")
        if await _end(wave, "stop", deps, notes=(*wave.notes, f"Stopped: {command.reason}.")):
            stopped.append(wave.id)
    return StoppedWaves(waves=tuple(stopped))


async def fail_wave(wave: Wave, failure: Failure, deps: CoordinatorDeps) -> None:
    """Fail an open wave; one that has ended stays as it is."""
    if wave.state in OPEN_WAVE_STATES:
        await _end(wave, "fail", deps, failure=failure)


async def _end(wave: Wave, trigger: str, deps: CoordinatorDeps, **fields: object) -> bool:
    """End a wave by `trigger`, cancel its tasks and publish it; return whether it could be ended.

    Its state moves first, so that from then on nothing of it starts or lands.
    """
    for _ in range(5):
        now = deps.clock()
        ended = await deps.store.waves.transition(
            wave, trigger, changed_at=now, finished_at=now, **fields
        )
        if ended is not None:
            await _cancel(ended, deps)
            await messages.publish_wave_finished(ended, deps)
            return True
        wave = await deps.store.waves.require(wave.id)
    return False


async def _cancel(wave: Wave, deps: CoordinatorDeps) -> None:
    """Expire and publish the untried changes of an ended wave, and cancel and publish its tasks.

    A change that a person approved outlives its wave. The tasks come last: as long as one is open,
    there may be something left to do.
    """
    for change in await deps.store.enhancements.find(wave_id=wave.id, state=BEFORE_THE_GATE):
        if change.decision.approval is None:
            await expire(change, f"its wave was {wave.state} before it was tried", deps)
    for task in await deps.store.tasks.find(wave_id=wave.id):
        if not TASK.terminal(task.state):
            await end_task(task, "cancel", deps, note=f"the wave was {wave.state}")


async def cancel_leftovers(deps: CoordinatorDeps) -> None:
    """Cancel the tasks that ended waves still have, and publish the ends of those waves.

    The process that ended such a wave died before it had cancelled them all.
    """
    open_tasks = await deps.store.tasks.find(state=OPEN_TASK_STATES)
    for wave in await deps.store.waves.find_by_ids(sorted({each.wave_id for each in open_tasks})):
        if WAVE.terminal(wave.state):
            await _cancel(wave, deps)
            await messages.publish_wave_finished(wave, deps)


async def end_task(task: Task, trigger: str, deps: CoordinatorDeps, **fields: object) -> None:
    """End a task by `trigger`, whatever state it moves to meanwhile, and publish its end.

    One that ended otherwise is published as it did; one that does not end keeps its lease.
    """
    while TASK.target(task.state, trigger) is not None:
        now = deps.clock()
        ended = await deps.store.tasks.transition(
            task, trigger, changed_at=now, finished_at=now, **fields
        )
        task = ended or await deps.store.tasks.require(task.id)
    if TASK.terminal(task.state):
        await messages.publish_task_finished(task, deps)


async def expire(change: Enhancement, reason: str, deps: CoordinatorDeps) -> Enhancement:
    """Expire a change, which says nothing against it, and publish it. Return it as stored.

    A change whose state has moved on stays as it is.
    """
    now = deps.clock()
    expired = await deps.store.enhancements.transition(
        change, "expire", decision__reason=reason, changed_at=now, finished_at=now
    )
    if expired is None:
        return await deps.store.enhancements.require(change.id)
    event = EnhancementExpired(
        enhancement_id=change.id,
        wave_id=change.wave_id,
        target_id=change.target_id,
        title=change.proposal.title,
        reason=reason,
    )
    await deps.bus.publish(event, key=change.id, wave=change.wave_id)
    return expired


async def complete(wave: Wave, deps: CoordinatorDeps, *, notes: tuple[str, ...]) -> None:
    """Complete a wave with these notes, and publish its end, unless it has ended meanwhile."""
    now = deps.clock()
    done = await deps.store.waves.transition(
        wave,
        "complete",
        notes=notes,
        final_commit=wave.final_commit or wave.commit,
        failure=None,
        changed_at=now,
        finished_at=now,
    )
    if done is not None:
        await messages.publish_wave_finished(done, deps)
