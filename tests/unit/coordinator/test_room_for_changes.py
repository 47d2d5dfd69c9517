"""How many tasks of a wave begin, and how many changes they may propose."""

import pytest

from services.coordinator.domain import room
from services.coordinator.usecases.assign import assign_waiting
from shared.contracts.commands import AcquireLease, ReleaseLease
from shared.contracts.states import TaskState
from tests.support.builders import a_task, a_wave, an_enhancement
from tests.support.coordinating import a_coordinator


@pytest.fixture
def deps(tmp_path):
    return a_coordinator(tmp_path)


async def a_wave_of(deps, tasks, **fields):
    wave = a_wave(state="running", **fields)
    await deps.store.waves.insert(wave)
    for number in range(tasks):
        await deps.store.tasks.insert(a_task(wave, component=f"c{number}"))
    return wave


async def states(deps, wave):
    return [str(each.state) for each in await deps.store.tasks.find(wave_id=wave.id)]


async def test_no_more_tasks_begin_than_the_throttle_allows(deps):
    wave = await a_wave_of(deps, 5, throttle=2)
    await assign_waiting(wave, deps)
    await assign_waiting(wave, deps)
    assert sorted(await states(deps, wave)) == ["assigned"] * 2 + ["waiting"] * 3
    assert len([each for each in deps.bus.asked if isinstance(each, AcquireLease)]) == 2


async def test_tasks_share_the_room_for_changes(deps):
    wave = await a_wave_of(deps, 3, throttle=3, max_open=8)
    done = a_task(target_id=wave.target_id)
    for number in range(3):
        change = an_enhancement(done, key=str(number), state="needs_approval")
        await deps.store.enhancements.insert(change)
    await assign_waiting(wave, deps)
    tasks = await deps.store.tasks.find(wave_id=wave.id)
    assert sum(each.max_changes or 0 for each in tasks) == 5
    assert room.free_changes(wave, tasks, 3) == 0


async def test_a_wave_without_limits_assigns_everything(deps):
    wave = await a_wave_of(deps, 4)
    await assign_waiting(wave, deps)
    tasks = await deps.store.tasks.find(wave_id=wave.id)
    assert {each.state for each in tasks} == {TaskState.ASSIGNED}
    assert {each.max_changes for each in tasks} == {None}


async def test_a_wave_does_not_wait_for_a_person_to_make_room(deps):
    wave = await a_wave_of(deps, 2, throttle=3, max_open=1)
    change = an_enhancement(a_task(target_id=wave.target_id), state="needs_approval")
    await deps.store.enhancements.insert(change)
    tasks = await assign_waiting(wave, deps)
    assert {each.state for each in tasks} == {TaskState.CANCELLED}
    assert "wait for a person" in tasks[0].note
    assert any(isinstance(each, ReleaseLease) for each in deps.bus.asked)
