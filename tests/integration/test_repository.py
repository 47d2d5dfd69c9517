"""Repositories on a real MongoDB wire."""

from collections.abc import AsyncIterator
from typing import get_args, get_type_hints

import pytest
from pymongo import IndexModel

from shared.contracts.documents.leases import LeaseLedger
from shared.contracts.documents.waves import Wave
from shared.contracts.states import AgentState, WaveState
from shared.kernel.clock import utc_now
from shared.kernel.errors import NotFound, Transient
from shared.kernel.ids import uuid7
from shared.mongo.client import connect, connected
from shared.mongo.collections import (
    COLLECTIONS,
    Store,
    ensure_indexes,
    open_store,
    remove_outdated_agents,
)
from shared.mongo.specs import index
from tests.support.builders import a_stint, a_task, an_agent


@pytest.fixture
async def store(mongo_url: str) -> AsyncIterator[Store]:
    database = connect(mongo_url, "test_" + uuid7().replace("-", ""))
    await ensure_indexes(database)
    yield open_store(database)
    database.close()


def a_wave() -> Wave:
    now, commit = utc_now(), "a" * 40
    return Wave(
        id=uuid7(),
        target_id=uuid7(),
        commit=commit,
        base_commit=commit,
        created_at=now,
        changed_at=now,
    )


async def test_a_document_comes_back_as_it_went_in(store):
    wave = a_wave()
    assert await store.waves.insert(wave)
    assert await store.waves.get(wave.id) == wave
    assert not await store.waves.insert(wave)
    with pytest.raises(NotFound, match="no wave"):
        await store.waves.require(uuid7())


async def test_a_transition_happens_once_and_only_from_the_state_that_was_read(store):
    wave = a_wave()
    await store.waves.insert(wave)
    running = await store.waves.transition(wave, "run", tasks=3)
    assert running is not None
    assert (running.state, running.version, running.tasks) == (WaveState.RUNNING, 1, 3)
    assert await store.waves.get(wave.id) == running
    assert await store.waves.transition(wave, "run") is None, "the version that was read is old"
    assert await store.waves.transition(running, "run") is None, "not in the table"


async def test_a_ledger_is_saved_by_compare_and_swap(store):
    ledger = LeaseLedger(id=uuid7())
    await store.leases.insert(ledger)
    saved = await store.leases.save(ledger.model_copy(update={"epoch": 1}))
    assert saved is not None
    assert await store.leases.save(ledger.model_copy(update={"epoch": 7})) is None
    assert (await store.leases.require(ledger.id)).epoch == 1


async def test_find_takes_lists_sorts_and_limits(store):
    waves = [a_wave() for _ in range(3)]
    assert await store.waves.insert_missing([*waves, waves[0]]) == 3
    await store.waves.transition(waves[1], "stop")
    open_waves = await store.waves.find(state=[WaveState.PLANNED, WaveState.RUNNING])
    assert [wave.id for wave in open_waves] == [waves[0].id, waves[2].id]
    assert (await store.waves.first(sort="-_id")).id == waves[2].id
    assert await store.waves.count(id=[waves[0].id, waves[1].id]) == 2


async def test_a_heartbeat_does_not_disturb_a_transition(store):
    task, now = a_task(), utc_now().replace(microsecond=0)
    agent = an_agent(task, state=AgentState.ACTIVE, stint=a_stint(task))
    await store.agents.insert(agent)
    assert await store.agents.set_fields(agent.id, stint__heartbeat_at=now)
    moved = await store.agents.transition(agent, "become_idle", seconds=2.5)
    assert moved is not None
    assert moved.state is AgentState.IDLE
    stored = await store.agents.require(agent.id)
    assert (stored.seconds, stored.stint.heartbeat_at) == (2.5, now)


async def test_agents_of_earlier_versions_are_removed_and_no_others(mongo_url):
    async with connected(mongo_url, "test_" + uuid7().replace("-", "")) as database:
        for number in range(3):
            old = {"_id": f"old {number}", "state": "idle", "types": [], "pid": 1}
            await database["agents"].insert(old)
        store, agent = open_store(database), an_agent()
        await store.agents.insert(agent)
        await remove_outdated_agents(database)
        assert await store.agents.find() == [agent]


async def test_a_server_that_is_away_is_transient_not_a_hang():
    database = connect("mongodb://127.0.0.1:9", timeout=0.3)
    with pytest.raises(Transient, match="does not answer"):
        await database.ping()
    database.close()


async def test_an_index_of_an_earlier_version_is_dropped(mongo_url):
    database = connect(mongo_url, "test_" + uuid7().replace("-", ""))
    await database["tasks"].create_indexes([IndexModel("component", unique=True)])
    await ensure_indexes(database)
    assert await database["tasks"].insert({"_id": "a", "wave_id": "w", "component": "same"})
    assert await database["tasks"].insert({"_id": "b", "wave_id": "x", "component": "same"})
    database.close()


async def test_an_index_may_have_documents_expire(mongo_url):
    database = connect(mongo_url, "test_" + uuid7().replace("-", ""))
    await database["received"].create_indexes([index("at", expires=60)])
    present = await database["received"]._collection.index_information()
    assert present["at_1"]["expireAfterSeconds"] == 60
    database.close()


def test_every_collection_is_declared_in_its_field_of_the_store():
    declared = {name: spec.model for name, spec in COLLECTIONS.items()}
    assert declared == {name: get_args(kind)[0] for name, kind in get_type_hints(Store).items()}
