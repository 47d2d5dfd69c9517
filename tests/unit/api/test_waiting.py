"""Long polling: an answer once the state changes, without asking again and again."""

import asyncio
from types import SimpleNamespace

import pytest

from tests.support.builders import NOW, a_target, a_wave, an_enhancement
from tests.unit.api.test_access import LOCAL, client_of, deps

__all__ = ["deps"]


def an_event(number):
    return SimpleNamespace(sequence=number, subject="gs.evt.x", time=NOW, data={})


@pytest.fixture
async def wave(deps):
    made = a_wave(state="running")
    await deps.store.targets.insert(a_target(id=made.target_id))
    await deps.store.waves.insert(made)
    return made


def arriving(deps, *happens):
    """The bus gives one event after each of these has happened."""

    async def events(*, after=None):
        for number, each in enumerate(happens, start=1):
            await each()
            yield an_event(after + number)

    deps.bus.events = events


async def nothing():
    return None


async def asked(deps, path):
    async with client_of(deps, LOCAL) as client:
        answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_the_answer_comes_when_the_state_changes(deps, wave):
    async def finishing():
        await deps.store.waves.set_fields(wave.id, state="finishing")

    async def never():
        raise AssertionError("it went on waiting")

    arriving(deps, nothing, finishing, never)
    assert (await asked(deps, f"/waves/{wave.id}?wait=50"))["wave"]["state"] == "finishing"


@pytest.mark.parametrize("state", ["completed", "stopped", "failed"])
async def test_what_has_ended_is_not_waited_for(deps, wave, state):
    await deps.store.waves.set_fields(wave.id, state=state)
    assert (await asked(deps, f"/waves/{wave.id}?wait=50"))["wave"]["state"] == state
    assert deps.bus.listened_after == []


async def test_without_wait_the_answer_comes_at_once(deps, wave):
    assert (await asked(deps, f"/waves/{wave.id}"))["wave"]["state"] == "running"
    assert deps.bus.listened_after == []


async def test_the_answer_comes_in_time_even_if_nothing_happens(deps, wave):
    arriving(deps, asyncio.Event().wait)
    assert (await asked(deps, f"/waves/{wave.id}?wait=1"))["wave"]["state"] == "running"


async def test_an_enhancement_can_be_waited_for_as_well(deps):
    change = an_enhancement(state="validating")
    await deps.store.enhancements.insert(change)

    async def applied():
        await deps.store.enhancements.set_fields(change.id, state="applied")

    arriving(deps, applied)
    assert (await asked(deps, f"/enhancements/{change.id}?wait=50"))["state"] == "applied"


@pytest.mark.parametrize("seconds", ["51", "-1", "x"])
async def test_nobody_waits_longer_than_proxies_do(deps, wave, seconds):
    async with client_of(deps, LOCAL) as client:
        answer = await client.get(f"/waves/{wave.id}?wait={seconds}")
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
