"""Ending a task while an agent moves it on: it ends all the same, and is published as it ended."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.coordinator.usecases import CoordinatorDeps, reconcile, stop_wave
from services.coordinator.usecases.end import end_task
from shared.contracts.answers import Acknowledgement
from shared.contracts.commands import ReleaseLease, StopWave
from shared.contracts.documents.enhancements import Approval
from shared.contracts.events import EnhancementExpired, TaskFinished, WaveFinished
from shared.contracts.states import EnhancementState, TaskState
from shared.kernel.ids import uuid7
from tests.support.builders import COMMIT, NOW, a_task, a_wave, an_enhancement
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


async def died_while_stopping(deps, monkeypatch, *, after):
    """Stop a wave with two tasks and a change, in a process that dies `after` so many moves."""
    wave = a_wave(state="running")
    tasks = [a_task(wave, component=each, state="proposed") for each in ("a", "b")]
    change = an_enhancement(tasks[0], state="cleared")
    await deps.store.waves.insert(wave)
    await deps.store.tasks.insert_missing(tasks)
    await deps.store.enhancements.insert(change)
    with monkeypatch.context() as patched:
        moves = iter(range(after))
        for each in (deps.store.tasks, deps.store.enhancements):
            patched.setattr(each, "transition", dying(each.transition, moves))
        with pytest.raises(Died):
            await stop_wave(StopWave(wave_id=wave.id, reason="enough"), deps)
    return wave, tasks, change


class Died(BaseException):
    """The process ends here."""


def dying(transition, moves):
    async def move(*args, **fields):
        if next(moves, None) is None:
            raise Died
        return await transition(*args, **fields)

    return move


@pytest.mark.parametrize("after", range(3))
@pytest.mark.parametrize("away", [timedelta(seconds=3), timedelta(hours=1)], ids=["soon", "late"])
async def test_what_a_coordinator_that_died_left_open_is_cancelled(
    deps, monkeypatch, tmp_path, after, away
):
    wave, tasks, change = await died_while_stopping(deps, monkeypatch, after=after)
    again = replace(deps, published=set(), clock=lambda: NOW + away)
    for _ in range(2):
        await reconcile(again)
    stored = await deps.store.tasks.find()
    assert {(each.state, each.note) for each in stored} == {
        (TaskState.CANCELLED, "the wave was stopped")
    }
    assert (await deps.store.enhancements.require(change.id)).state is EnhancementState.EXPIRED
    assert {each.task_id for each in deps.bus.of(TaskFinished)} == {each.id for each in tasks}
    assert len(deps.bus.of(EnhancementExpired)) == 1
    assert [each.wave_id for each in deps.bus.of(WaveFinished)] == [wave.id]


async def test_what_a_person_approved_outlives_the_wave(deps, monkeypatch):
    wave, _, _ = await died_while_stopping(deps, monkeypatch, after=0)
    approval = Approval(by="ann", reason="good", patch="0" * 64, base=COMMIT, at=NOW)
    approved = an_enhancement(a_task(wave), state="cleared", approval=approval)
    await deps.store.enhancements.insert(approved)
    await reconcile(deps)
    stored = await deps.store.enhancements.require(approved.id)
    assert stored.state is EnhancementState.CLEARED


async def test_the_tasks_of_an_open_wave_are_left(deps):
    wave = a_wave(state="running")
    await deps.store.waves.insert(wave)
    await deps.store.tasks.insert(a_task(wave, state="running"))
    await reconcile(deps)
    assert [each.state for each in await deps.store.tasks.find()] == [TaskState.RUNNING]
