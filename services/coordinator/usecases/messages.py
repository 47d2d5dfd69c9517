"""Publish the messages that follow from the state of a wave or a task; each may be repeated."""

import math
from datetime import datetime, timedelta

from services.coordinator.deps import CoordinatorDeps
from services.coordinator.usecases.agents import retire_agents
from shared.contracts.answers import Acknowledgement
from shared.contracts.commands import MeasureFindings, ReleaseLease, RunBaseline
from shared.contracts.documents.waves import Task, Wave
from shared.contracts.events import (
    TaskAssigned,
    TaskFinished,
    WaveFinished,
    WavePlanned,
    WaveStarted,
)
from shared.contracts.states import EnhancementState
from shared.contracts.work import PerformTask

# Shorter than the streams' duplicate window of ten minutes, so a repetition is not stored twice.
REPUBLISH_WINDOW = timedelta(minutes=8)
# A command whose effect is missing for this long is published again.
REPEAT_AFTER = timedelta(seconds=10)


async def publish_measurements(wave: Wave, deps: CoordinatorDeps, *, attempt: int = 0) -> None:
    """Publish a planned wave; have its findings and, but for a dry run, its baseline measured."""
    planned = WavePlanned(wave_id=wave.id, target_id=wave.target_id, commit=wave.commit)
    await deps.bus.publish(planned, key=wave.id, wave=wave.id)
    common = {"target_id": wave.target_id, "wave_id": wave.id, "commit": wave.commit}
    findings = MeasureFindings(**common, moment="before")
    await deps.bus.publish(findings, key=f"{wave.id}:before:{attempt}", wave=wave.id)
    if not wave.dry_run:
        baseline = RunBaseline(**common)
        await deps.bus.publish(baseline, key=f"{wave.id}:{attempt}", wave=wave.id)


async def publish_final_measurement(wave: Wave, deps: CoordinatorDeps, *, attempt: int = 0) -> None:
    """Have the findings of a finishing wave measured on its final commit."""
    command = MeasureFindings(
        target_id=wave.target_id,
        wave_id=wave.id,
        commit=wave.final_commit or wave.commit,
        moment="after",
    )
    await deps.bus.publish(command, key=f"{wave.id}:after:{attempt}", wave=wave.id)


async def publish_wave_started(wave: Wave, deps: CoordinatorDeps) -> None:
    """Publish that the tasks of a wave exist."""
    event = WaveStarted(
        wave_id=wave.id,
        target_id=wave.target_id,
        tasks=wave.tasks,
        note=" ".join(wave.notes)[:2000],
    )
    await deps.bus.publish(event, key=wave.id, wave=wave.id)


async def publish_task_assigned(task: Task, deps: CoordinatorDeps, *, attempt: int = 0) -> None:
    """Publish that a task is assigned, and send it to the agents."""
    event = TaskAssigned(
        task_id=task.id,
        wave_id=task.wave_id,
        target_id=task.target_id,
        agent_type=task.agent_type,
        component=task.component,
        part=task.opportunity.part,
        note=task.opportunity.description,
    )
    await deps.bus.publish(event, key=f"{task.id}:{task.epoch}", wave=task.wave_id)
    work = PerformTask(
        task_id=task.id,
        wave_id=task.wave_id,
        agent_type=task.agent_type,
        priority=task.priority,
        epoch=task.epoch,
    )
    await deps.bus.publish(work, key=f"{task.id}:{task.epoch}:{attempt}", wave=task.wave_id)


async def publish_task_finished(task: Task, deps: CoordinatorDeps) -> None:
    """Release the lease of a finished task, and publish that it is finished."""
    request = ReleaseLease(target_id=task.target_id, task_id=task.id)
    await deps.bus.request(request, Acknowledgement)
    event = TaskFinished(
        task_id=task.id,
        wave_id=task.wave_id,
        target_id=task.target_id,
        state=task.state,
        note=task.note,
    )
    await deps.bus.publish(event, key=task.id, wave=task.wave_id)
    deps.published.add(task.id)


async def republish_finished(deps: CoordinatorDeps) -> None:
    """Publish the recent ends of tasks and waves again that this process has not published itself.

    The process that stored them may have died before it published them. "Recent" is within the
    duplicate window of the stream, so what was published before is not stored twice.
    """
    since = deps.clock() - REPUBLISH_WINDOW
    for task in await deps.store.tasks.find_since("finished_at", since):
        if task.id not in deps.published:
            await publish_task_finished(task, deps)
    for wave in await deps.store.waves.find_since("finished_at", since):
        if wave.id not in deps.published:
            await publish_wave_finished(wave, deps)


async def publish_wave_finished(wave: Wave, deps: CoordinatorDeps) -> None:
    """Retire the agents of a finished wave, and publish its end with what landed or did not."""
    await retire_agents(wave, deps)
    count = deps.store.enhancements.count
    event = WaveFinished.model_validate(
        {
            "wave_id": wave.id,
            "target_id": wave.target_id,
            "state": str(wave.state),
            "landed": await count(wave_id=wave.id, state=EnhancementState.APPLIED),
            "rejected": await count(wave_id=wave.id, state=EnhancementState.REJECTED),
            "note": wave.failure.message if wave.failure else "",
        }
    )
    await deps.bus.publish(event, key=wave.id, wave=wave.id)
    deps.published.add(wave.id)


def overdue_deliveries(since: datetime, deps: CoordinatorDeps, *, repeat_overdue: bool) -> int:
    """Return how often a task should have been sent again by now; 0 unless `repeat_overdue`.

    It may only wait for a slot, so each time it is sent again after twice as long.
    """
    age = deps.clock() - since
    return int(math.log2(1 + max(age / REPEAT_AFTER, 0))) if repeat_overdue else 0


def overdue_attempts(since: datetime, deps: CoordinatorDeps, *, repeat_overdue: bool) -> int:
    """Return how often a message should have been repeated by now; 0 unless `repeat_overdue`."""
    age = deps.clock() - since
    return int(age / REPEAT_AFTER) if repeat_overdue else 0
