"""Infinite mode over a real repository and a store in memory, by a clock that tests set."""

from datetime import timedelta

import pytest

from services.coordinator import usecases
from services.coordinator.usecases import infinite_loop
from services.coordinator.usecases.assign import count_open
from services.coordinator.usecases.end import complete, fail_wave
from shared.contracts.commands import (
    GetInfiniteMode,
    PauseInfiniteMode,
    ResumeInfiniteMode,
    StartInfiniteMode,
    StopInfiniteMode,
)
from shared.contracts.documents.base import Failure
from shared.contracts.events import BreakerClosed, BreakerOpened, BudgetLow, InfiniteIdle
from shared.contracts.states import InfiniteState, WaveState
from shared.kernel.errors import NotFound
from shared.kernel.ids import uuid7
from tests.support.builders import a_task, an_agent, an_enhancement
from tests.support.endless import an_endless
from tests.support.repositories import a_repository, commit


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def place(tmp_path):
    return a_repository(tmp_path / "target", m_py="a = 1\n")


@pytest.fixture
def endless(tmp_path):
    return an_endless(tmp_path / "home")


async def begin(endless, place, **fields):
    command = StartInfiniteMode(target=str(place), **fields)
    status = await usecases.start_infinite_mode(command, endless.deps, channel="test")
    return status.modes[0]


async def tick(endless, **time):
    if time:
        endless.deps.clock.go(**time)
    await usecases.run_infinite_modes(endless.deps, endless.loop)
    [mode] = await endless.deps.store.infinite.find()
    return mode


async def the_waves(endless):
    return await endless.deps.store.waves.find()


async def end_the_wave(endless, failure=None):
    wave = (await the_waves(endless))[-1]
    if failure:
        await fail_wave(wave, Failure(code="x", message=failure), endless.deps)
    else:
        await complete(wave, endless.deps, notes=())


async def test_a_wave_is_started_and_after_it_there_is_a_pause_that_says_so(endless, place):
    await begin(endless, place, throttle=2)
    await tick(endless)
    [wave] = await the_waves(endless)
    assert (wave.throttle, wave.max_open, wave.requested_by) == (2, 8, "infinite")
    await end_the_wave(endless)
    mode = await tick(endless, seconds=20)
    assert mode.fruitless == 1
    assert "landed nothing" in mode.idle_reason
    assert mode.wakes_at == (await the_waves(endless))[0].finished_at + timedelta(minutes=30)
    await tick(endless, minutes=29)
    assert len(await the_waves(endless)) == 1
    await tick(endless, minutes=2)
    assert len(await the_waves(endless)) == 2
    assert len(endless.deps.bus.of(InfiniteIdle)) == 1


async def test_a_new_commit_wakes_it(endless, place):
    await begin(endless, place)
    await tick(endless)
    await end_the_wave(endless)
    await tick(endless, seconds=20)
    commit(place, {"n.py": "b = 2\n"})
    mode = await tick(endless, seconds=20)
    assert len(await the_waves(endless)) == 2
    assert mode.fruitless == 0


async def test_what_was_stopped_starts_nothing_and_its_wave_ends(endless, place):
    await begin(endless, place)
    await tick(endless)
    stopped = await usecases.stop_infinite_mode(StopInfiniteMode(), endless.deps, channel="test")
    assert stopped.modes[0].state is InfiniteState.STOPPED
    assert [each.state for each in await the_waves(endless)] == [WaveState.STOPPED]
    await tick(endless.restarted(), hours=10)
    assert len(await the_waves(endless)) == 1


async def test_a_start_that_is_delivered_again_does_not_undo_a_stop(endless, place):
    request = uuid7()
    await begin(endless, place, request_id=request)
    await usecases.stop_infinite_mode(StopInfiniteMode(), endless.deps, channel="test")
    assert (await begin(endless, place, request_id=request)).state is InfiniteState.STOPPED
    assert (await begin(endless, place, request_id=uuid7())).state is InfiniteState.RUNNING


async def test_it_goes_on_after_a_restart_unless_that_is_not_wished(endless, place):
    await begin(endless, place)
    again = endless.restarted()
    await usecases.pause_after_restart(again.deps)
    assert (await tick(again)).waves == 1
    await begin(endless, place, resume_after_restart=False)
    again = endless.restarted()
    await usecases.pause_after_restart(again.deps)
    mode = await tick(again)
    assert mode.state is InfiniteState.PAUSED
    assert "started again" in mode.idle_reason


async def test_a_process_that_died_before_it_started_the_wave_is_followed_by_one_that_does(
    endless, place, monkeypatch
):
    await begin(endless, place)

    async def die(*_args, **_kwargs):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(infinite_loop, "start_wave", die)
        with pytest.raises(Killed):
            await tick(endless)
    assert await the_waves(endless) == []
    mode = await tick(endless.restarted())
    assert [each.id for each in await the_waves(endless)] == [mode.wave_id]
    assert mode.waves == 1


async def test_two_waves_that_fail_alike_open_the_breaker_which_closes_by_itself(endless, place):
    await begin(endless, place, interval_seconds=60)
    for number in (1, 2):
        await tick(endless, minutes=5)
        await end_the_wave(endless, failure=f"run {number} gave no report")
    mode = await tick(endless, seconds=20)
    assert mode.state is InfiniteState.BROKEN
    assert mode.wakes_at > endless.deps.clock()
    assert len(endless.deps.bus.of(BreakerOpened)) == 1
    mode = await tick(endless, minutes=6)
    assert mode.state is InfiniteState.RUNNING
    assert len(endless.deps.bus.of(BreakerClosed)) == 1
    await tick(endless)
    assert len(await the_waves(endless)) == 3


async def test_no_wave_is_started_on_a_full_disk(endless, place):
    await begin(endless, place)
    endless.machine.disk = 1 << 20
    mode = await tick(endless)
    assert mode.state is InfiniteState.BROKEN
    assert "disk" in mode.idle_reason
    assert await the_waves(endless) == []


async def test_no_wave_is_started_while_too_many_changes_wait_for_a_person(endless, place):
    target = (await begin(endless, place)).target_id
    task = a_task(target_id=target)
    for number in range(8):
        change = an_enhancement(task, key=str(number), state="needs_approval")
        await endless.deps.store.enhancements.insert(change)
    assert await count_open(target, endless.deps) == 8
    mode = await tick(endless)
    assert "wait for a person" in mode.idle_reason
    assert mode.wakes_at > endless.deps.clock()
    assert await the_waves(endless) == []


async def test_pause_and_resume_are_by_name_and_never_twice_the_same(endless, place):
    await begin(endless, place)
    paused = await usecases.pause_infinite_mode(
        PauseInfiniteMode(target="target"), endless.deps, channel="test"
    )
    assert paused.modes[0].state is InfiniteState.PAUSED
    assert paused.modes[0].wakes_at is None
    await tick(endless, hours=3)
    assert await the_waves(endless) == []
    await usecases.resume_infinite_mode(ResumeInfiniteMode(), endless.deps, channel="test")
    await tick(endless)
    assert len(await the_waves(endless)) == 1
    shown = await usecases.get_infinite_mode(GetInfiniteMode(), endless.deps)
    assert shown.modes[0].wave_id == (await the_waves(endless))[0].id
    with pytest.raises(NotFound):
        await usecases.get_infinite_mode(GetInfiniteMode(target="elsewhere"), endless.deps)


async def test_a_busy_machine_has_fewer_agents_at_work(endless, place):
    await begin(endless, place, throttle=9)
    await tick(endless)
    endless.machine.busy = 5.0
    mode = await tick(endless, seconds=20)
    assert mode.throttle_now == 6
    assert (await the_waves(endless))[0].throttle == 6


async def test_a_stop_while_a_wave_is_being_started_stops_that_wave_too(
    endless, place, monkeypatch
):
    await begin(endless, place)
    real = infinite_loop.start_wave

    async def stopped_meanwhile(*args, **kwargs):
        await usecases.stop_infinite_mode(StopInfiniteMode(), endless.deps, channel="test")
        return await real(*args, **kwargs)

    monkeypatch.setattr(infinite_loop, "start_wave", stopped_meanwhile)
    mode = await tick(endless)
    assert mode.state is InfiniteState.STOPPED
    assert [each.state for each in await the_waves(endless)] == [WaveState.STOPPED]


async def test_the_budget_of_the_day_is_kept_and_its_end_announced(endless, place):
    commit(place, {"groundswell.toml": "[infinite]\nseconds_per_day = 100\n"})
    target = (await begin(endless, place)).target_id
    agent = an_agent(a_task(target_id=target), seconds=85, deployed_at=endless.deps.clock())
    await endless.deps.store.agents.insert(agent)
    await tick(endless)
    assert len(endless.deps.bus.of(BudgetLow)) == 1
    await end_the_wave(endless)
    await endless.deps.store.agents.set_fields(agent.id, seconds=101)
    mode = await tick(endless, minutes=40)
    assert mode.state is InfiniteState.BROKEN
    assert "budget" in mode.idle_reason
    await tick(endless, hours=24)
    mode = await tick(endless)
    assert len(await the_waves(endless)) == 2


async def test_a_repository_that_cannot_be_read_is_looked_at_again(endless, place):
    await begin(endless, place)
    hidden = place.with_name("hidden")
    place.rename(hidden)
    mode = await tick(endless)
    assert mode.idle_reason
    assert mode.state is InfiniteState.RUNNING
    hidden.rename(place)
    await tick(endless, seconds=20)
    assert len(await the_waves(endless)) == 1
