"""The messages that follow from a wave's and a task's state; each can be said again at any time."""

from datetime import datetime, timedelta

from services.coordinator.deps import CoordinatorDeps
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

# Less than the streams' duplicate window of ten minutes.
REMEMBERED = timedelta(minutes=8)
# What has not moved for this long is said again.
STALE = timedelta(seconds=10)


async def announce(wave: Wave, deps: CoordinatorDeps, *, attempt: int = 0) -> None:
    """A planned wave is measured: findings by the agents, the baseline by the validator."""
    planned = WavePlanned(wave_id=wave.id, target_id=wave.target_id, commit=wave.commit)
    await deps.bus.publish(planned, key=wave.id, wave=wave.id)
    common = {"target_id": wave.target_id, "wave_id": wave.id, "commit": wave.commit}
    findings = MeasureFindings(**common, moment="before")
    await deps.bus.publish(findings, key=f"{wave.id}:before:{attempt}", wave=wave.id)
    if not wave.dry_run:
        health = RunBaseline(**common)
        await deps.bus.publish(health, key=f"{wave.id}:{attempt}", wave=wave.id)


async def measure_after(wave: Wave, deps: CoordinatorDeps, *, attempt: int = 0) -> None:
    """A finishing wave is measured again where it ended."""
    command = MeasureFindings(
        target_id=wave.target_id,
        wave_id=wave.id,
        commit=wave.final_commit or wave.commit,
        moment="after",
    )
    await deps.bus.publish(command, key=f"{wave.id}:after:{attempt}", wave=wave.id)


async def started(wave: Wave, deps: CoordinatorDeps) -> None:
    """Tasks exist."""
    event = WaveStarted(
        wave_id=wave.id,
        target_id=wave.target_id,
        tasks=wave.tasks,
        note=" ".join(wave.notes)[:2000],
    )
    await deps.bus.publish(event, key=wave.id, wave=wave.id)


async def assigned(task: Task, deps: CoordinatorDeps, *, attempt: int = 0) -> None:
    """An assigned task is performed, under its epoch."""
    event = TaskAssigned(
        task_id=task.id,
        wave_id=task.wave_id,
        target_id=task.target_id,
        agent_type=task.agent_type,
        component=task.component,
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


async def task_finished(task: Task, deps: CoordinatorDeps) -> None:
    """A terminal task gives its lease back, and is said to be over."""
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
    deps.said.add(task.id)


async def ends_again(deps: CoordinatorDeps) -> None:
    """Say the recent ends that nobody is known to have said: we may have been cut off before it.

    Recent is what JetStream still knows the ids of, so what was said before is not stored twice.
    """
    since = deps.clock() - REMEMBERED
    for task in await deps.store.tasks.find_since("finished_at", since):
        if task.id not in deps.said:
            await task_finished(task, deps)
    for wave in await deps.store.waves.find_since("finished_at", since):
        if wave.id not in deps.said:
            await wave_finished(wave, deps)


async def wave_finished(wave: Wave, deps: CoordinatorDeps) -> None:
    """A wave is over, with what came of it."""
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
    deps.said.add(wave.id)


def lateness(since: datetime, deps: CoordinatorDeps, *, nudge: bool) -> int:
    """How often it should have been said again by now; 0 while it is not late."""
    age = deps.clock() - since
    return int(age / STALE) if nudge else 0
