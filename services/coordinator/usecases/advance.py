"""Advance a wave as far as its state allows.

Events that concern a wave lead here, and so does the reconciler. The next step is read from the
stored state, never from the message, so a message that comes twice, late or out of order changes
nothing.
"""

import asyncio
from collections.abc import Collection, Sequence

import structlog

from services.coordinator.deps import OPEN_WAVE_STATES, CoordinatorDeps
from services.coordinator.domain import waves
from services.coordinator.usecases import messages
from services.coordinator.usecases.abandoned import settle_abandoned_tasks
from services.coordinator.usecases.agents import replace_lost_agents, retire_leftovers
from services.coordinator.usecases.assign import assign_waiting
from services.coordinator.usecases.end import (
    cancel_leftovers,
    complete,
    end_task,
    expire,
    fail_wave,
)
from services.coordinator.usecases.plan import findings_on, foreclosed_in, plan_wave
from shared.contracts.documents.base import Failure
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.waves import Task, Wave
from shared.contracts.events import EnvironmentBuilt, MeasurementFailed
from shared.contracts.states import EnhancementState, TaskState, WaveState
from shared.kernel.errors import Conflict
from shared.targets.head import Head, find_head, replaced_reason

log = structlog.get_logger(__name__)


async def reconcile(deps: CoordinatorDeps) -> None:
    """Advance every open wave, and do what a process that died left undone.

    That is to cancel the tasks and retire the agents of a wave that it ended, to settle tasks that
    no process is at any more, and to publish what it stored.
    """
    await cancel_leftovers(deps)
    await retire_leftovers(deps)
    await settle_abandoned_tasks(deps)
    await messages.republish_finished(deps)
    for wave in await deps.store.waves.find(state=OPEN_WAVE_STATES):
        await advance(wave.id, deps, repeat_overdue=True)


async def watch_agents(deps: CoordinatorDeps) -> None:
    """Have other processes take over the tasks of agents whose process is lost."""
    for wave_id in await replace_lost_agents(deps):
        await advance(wave_id, deps)


async def advance(wave_id: str, deps: CoordinatorDeps, *, repeat_overdue: bool = False) -> None:
    """Take the next steps of an open wave; `repeat_overdue` repeats unanswered commands too."""
    async with deps.locks[wave_id]:
        wave = await deps.store.waves.get(wave_id)
        if wave is not None and wave.state is WaveState.PLANNED:
            wave = await plan_wave(wave, deps, repeat_overdue=repeat_overdue)
        if wave is not None and wave.state is WaveState.RUNNING:
            wave = await _run(wave, deps, repeat_overdue=repeat_overdue)
        if wave is not None and wave.state is WaveState.FINISHING:
            await _finish(wave, deps, repeat_overdue=repeat_overdue)


async def note_environment(event: EnvironmentBuilt, deps: CoordinatorDeps) -> None:
    """Store how long the environment of the wave took to build, its sandbox tier, and its notes."""
    async with deps.locks[event.wave_id]:
        wave = await deps.store.waves.require(event.wave_id)
        notes = tuple(dict.fromkeys((*wave.notes, *event.notes)))
        await deps.store.waves.set_fields(
            wave.id, environment_seconds=event.seconds, sandbox=event.sandbox, notes=notes
        )


async def note_failure(event: MeasurementFailed, deps: CoordinatorDeps) -> None:
    """Fail a wave that could not be measured.

    Without a baseline a planned wave still goes on until its plan is known: it may have nothing to
    do.
    """
    failure = Failure(code=event.code, message=event.reason, hint=event.hint)
    async with deps.locks[event.wave_id]:
        wave = await deps.store.waves.require(event.wave_id)
        if event.measurement == "baseline" and wave.state is WaveState.PLANNED:
            await deps.store.waves.set_fields(wave.id, failure=failure)
        else:
            await fail_wave(wave, failure, deps)
    await advance(event.wave_id, deps)


async def _run(wave: Wave, deps: CoordinatorDeps, *, repeat_overdue: bool) -> Wave | None:
    """Repeat overdue tasks, finish decided ones, assign waiting ones, and then close the wave.

    Returns the wave as it is now, or None if it ended.
    """
    undecided = await _undecided_tasks(wave, deps)
    for task in await deps.store.tasks.find(wave_id=wave.id):
        if task.state is TaskState.ASSIGNED:
            if attempt := messages.overdue_deliveries(
                task.changed_at, deps, repeat_overdue=repeat_overdue
            ):
                await messages.publish_task_assigned(task, deps, attempt=attempt)
        elif task.state is TaskState.PROPOSED and task.id not in undecided:
            await _settle(task, wave, deps)
    tasks = await assign_waiting(wave, deps)
    if not waves.are_over(tasks):
        return wave
    return await _close(wave, tasks, deps)


async def _undecided_tasks(wave: Wave, deps: CoordinatorDeps) -> set[str]:
    """Return the ids of a wave's tasks that have changes which the gate is not done with.

    The cleared ones of a dry run are not tried. This runs at each event, so it reads one field.
    """
    tried = [each for each in waves.UNDECIDED if each is not EnhancementState.CLEARED]
    waiting = tried if wave.dry_run else waves.UNDECIDED
    return {*await deps.store.enhancements.field_values("task_id", wave_id=wave.id, state=waiting)}


async def _settle(task: Task, wave: Wave, deps: CoordinatorDeps) -> None:
    """Finish a task if all its changes are decided, and store a follow-up where one is needed.

    Of a dry run, cleared changes are expired first.
    """
    changes = await deps.store.enhancements.find(task_id=task.id)
    if wave.dry_run:
        changes = [await _expire_untried(each, deps) for each in changes]
    if not waves.are_decided(changes):
        return
    repeated = waves.lost_twice(await deps.store.enhancements.find(wave_id=wave.id))
    latest = [each for each in changes if each.proposal.epoch == task.epoch]
    if not wave.dry_run and waves.needs_follow_up(task, latest, repeated):
        await _follow_up(task, wave, repeated, waves.sent_back(latest), deps)
    await end_task(task, "finish", deps)


async def _expire_untried(change: Enhancement, deps: CoordinatorDeps) -> Enhancement:
    """Expire a cleared change of a dry run, and return it as stored; any other stays as it is."""
    if change.state is not EnhancementState.CLEARED:
        return change
    return await expire(change, "dry run: nothing was tried", deps)


async def _follow_up(
    task: Task,
    wave: Wave,
    repeated: Collection[str],
    sent_back: tuple[str, ...],
    deps: CoordinatorDeps,
) -> None:
    """Store a task like this one on the present head, without what is foreclosed for the wave.

    Those in `repeated`, by fingerprint, are left alone, too; `sent_back` tells what it is told.

    Without a head that the wave can land on there is none; closing the wave tells why.
    """
    try:
        head = await _fetch_head(wave, deps)
    except Conflict as error:
        log.info("follow_up_not_planned", task=task.id, reason=str(error))
        return
    now = deps.clock()
    follow_up = task.model_copy(
        update={
            "id": deps.new_id(),
            "version": 0,
            "state": TaskState.WAITING,
            "epoch": 0,
            "commit": head.commit,
            "excluded_fingerprints": (*await foreclosed_in(wave, deps), *sorted(repeated)),
            "follow_up_of": task.id,
            "attempt": task.attempt + 1,
            "sent_back": sent_back,
            "enhancements": 0,
            "note": "",
            "created_at": now,
            "changed_at": now,
        }
    )
    await deps.store.tasks.insert_missing([follow_up])


async def _fetch_head(wave: Wave, deps: CoordinatorDeps) -> Head:
    """Fetch the target of a wave and return its head.

    Raises `Conflict` if its base branch is gone, or another repository is at its location.
    """
    target = await deps.store.targets.require(wave.target_id)
    mirror = deps.mirror(target)
    await asyncio.to_thread(mirror.fetch, target.location)
    head = await asyncio.to_thread(find_head, mirror, target)
    if reason := await asyncio.to_thread(replaced_reason, mirror, target, wave.commit):
        raise Conflict(f"Nothing more of the wave can land: {reason}.", code="replaced")
    return head


async def _close(wave: Wave, tasks: Sequence[Task], deps: CoordinatorDeps) -> Wave | None:
    """Store the final head of a wave whose tasks are over; measure it again if something landed.

    Returns the finishing wave, or None if it ended: completed with nothing landed, or failed as all
    of its tasks did, or as its target has no head any more that it could have landed on.
    """
    landed = await deps.store.enhancements.find(wave_id=wave.id, state=EnhancementState.APPLIED)
    try:
        head = await _fetch_head(wave, deps)
    except Conflict as error:
        failure = Failure(code=error.code, message=error.message, hint=error.hint)
        await fail_wave(wave, failure, deps)
        return None
    if all_failed := waves.failure_of_all(tasks):
        await fail_wave(wave, all_failed, deps)
        return None
    finishing = await deps.store.waves.transition(
        wave,
        "finish",
        final_commit=head.commit,
        notes=(*wave.notes, *waves.failure_notes(tasks)),
        changed_at=deps.clock(),
    )
    if finishing is None:
        return None
    if not landed:
        await complete(
            finishing, deps, notes=(*finishing.notes, *await _reasons_nothing_landed(wave, deps))
        )
        return None
    await messages.publish_final_measurement(finishing, deps)
    return finishing


async def _reasons_nothing_landed(wave: Wave, deps: CoordinatorDeps) -> tuple[str, ...]:
    """Return notes on why a wave with tasks landed nothing."""
    count = deps.store.enhancements.count
    if wave.dry_run:
        return ("This was a dry run: nothing was tried, nothing landed.",)
    if not await count(wave_id=wave.id):
        if await deps.store.tasks.count(wave_id=wave.id, state=TaskState.FAILED):
            return ("The agents found nothing else that they could change.",)
        return ("The agents found nothing that they could change.",)
    advice = await count(wave_id=wave.id, state=EnhancementState.ADVISORY)
    if advice == await count(wave_id=wave.id):
        return (f"There was nothing to change. Pieces of advice: {advice}.",)
    rejected = await count(wave_id=wave.id, state=EnhancementState.REJECTED)
    waiting = await count(wave_id=wave.id, state=EnhancementState.NEEDS_APPROVAL)
    if waiting:
        return (f"Nothing landed yet. Changes that passed and need approval: {waiting}.",)
    expired = await count(wave_id=wave.id, state=EnhancementState.EXPIRED)
    return (f"Nothing landed: rejected by the gate: {rejected}, expired: {expired}.",)


async def _finish(wave: Wave, deps: CoordinatorDeps, *, repeat_overdue: bool) -> None:
    """Complete a finishing wave once its final findings are measured; ask again if overdue."""
    if await findings_on(wave, wave.final_commit or wave.commit, deps) is not None:
        await complete(wave, deps, notes=wave.notes)
    elif attempt := messages.overdue_attempts(wave.changed_at, deps, repeat_overdue=repeat_overdue):
        await messages.publish_final_measurement(wave, deps, attempt=attempt)
