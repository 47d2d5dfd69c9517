"""Ending a task while an agent moves it on: it ends all the same, and is published as it ended."""

import pytest

from services.coordinator.usecases import CoordinatorDeps, stop_wave
from services.coordinator.usecases.end import end_task
from shared.contracts.answers import Acknowledgement
from shared.contracts.commands import ReleaseLease, StopWave
from shared.contracts.events import TaskFinished
from shared.contracts.states import TaskState
from shared.kernel.ids import uuid7
from tests.support.builders import NOW, a_task, a_wave
from tests.support.buses import RecordingBus
from tests.support.memory import a_store


@pytest.fixture
def deps(tmp_path):
    bus = RecordingBus(answers={ReleaseLease: Acknowledgement()})
    return CoordinatorDeps(store=a_store(), bus=bus, home=tmp_path, clock=lambda: NOW, new_id=uuid7)


def move_first(monkeypatch, deps, *triggers):
    """Before the next transition of a task, have an agent make these."""
    transition, left = deps.store.tasks.transition, [*triggers]

    async def overtaken(task, trigger, **changes):
        now = task
        while left:
            now = await transition(now, left.pop(0))
        return await transition(task, trigger, **changes)

    monkeypatch.setattr(deps.store.tasks, "transition", overtaken)


async def test_a_task_that_an_agent_starts_meanwhile_is_cancelled_with_its_wave(deps, monkeypatch):
    wave = a_wave(state="running")
    task = a_task(wave, state="assigned")
    await deps.store.waves.insert(wave)
    await deps.store.tasks.insert(task)
    move_first(monkeypatch, deps, "start")
    await stop_wave(StopWave(wave_id=wave.id, reason="enough"), deps)
    stored = await deps.store.tasks.require(task.id)
    assert (stored.state, stored.note) == (TaskState.CANCELLED, "the wave was stopped")
    assert [each.state for each in deps.bus.of(TaskFinished)] == ["cancelled"]
    assert len(deps.bus.asked) == 1


@pytest.mark.parametrize(
    ("state", "trigger", "meanwhile", "ended"),
    [
        ("assigned", "cancel", ("start", "find_nothing"), "empty"),
        ("running", "cancel", ("requeue", "assign", "start"), "cancelled"),
        ("proposed", "finish", ("cancel",), "cancelled"),
        ("proposed", "finish", (), "done"),
    ],
)
async def test_a_task_is_published_as_it_ended(deps, monkeypatch, state, trigger, meanwhile, ended):
    task = a_task(state=state)
    await deps.store.tasks.insert(task)
    move_first(monkeypatch, deps, *meanwhile)
    await end_task(task, trigger, deps)
    assert (await deps.store.tasks.require(task.id)).state == ended
    assert [each.state for each in deps.bus.of(TaskFinished)] == [ended]


async def test_a_task_that_cannot_end_so_keeps_its_lease(deps):
    task = a_task(state="running")
    await deps.store.tasks.insert(task)
    await end_task(task, "finish", deps)
    assert not deps.bus.asked
    assert not deps.bus.published
