"""Infinite mode over HTTP: what is asked, the coordinator is asked."""

import httpx
import pytest

from services.api.main import make_app
from services.api.ports import ApiDeps
from shared.contracts.answers import InfiniteStatus
from shared.contracts.commands import (
    GetInfiniteMode,
    PauseInfiniteMode,
    ResumeInfiniteMode,
    StartInfiniteMode,
    StopInfiniteMode,
)
from shared.kernel.ids import uuid7
from tests.support.builders import NOW, a_target
from tests.support.buses import RecordingBus
from tests.support.memory import a_store

KEY = "0123456789abcdef0123456789abcdef"
COMMANDS = (
    StartInfiniteMode,
    PauseInfiniteMode,
    ResumeInfiniteMode,
    StopInfiniteMode,
    GetInfiniteMode,
)


@pytest.fixture
async def bus():
    return RecordingBus(answers=dict.fromkeys(COMMANDS, InfiniteStatus(modes=())))


@pytest.fixture
async def store():
    return a_store()


@pytest.fixture
async def client(bus, store):
    async def ping():
        """The database is there."""

    deps = ApiDeps(store=store, bus=bus, ping_database=ping, clock=lambda: NOW, new_id=uuid7)
    app = make_app(deps, key=KEY, hosts=("localhost",))
    transport = httpx.ASGITransport(app)
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost/api/v1", headers=headers
    ) as made:
        yield made


async def test_a_start_has_an_id_so_that_a_repetition_is_one(client, bus):
    answer = await client.post("/infinite", json={"target": "/shop", "throttle": 2})
    assert answer.status_code == 202
    [asked] = bus.asked
    assert (asked.target, asked.throttle) == ("/shop", 2)
    assert asked.request_id


@pytest.mark.parametrize("verb", ["pause", "resume", "stop"])
async def test_it_is_paused_resumed_and_stopped_without_a_body_too(client, bus, verb):
    answer = await client.post(f"/infinite/{verb}")
    assert answer.status_code == 200
    assert bus.asked[0].subject == f"gs.cmd.infinite.{verb}"


@pytest.mark.parametrize("verb", ["", "/pause", "/resume", "/stop"])
async def test_the_path_names_the_target(client, bus, store, verb):
    target = a_target(id=uuid7())
    await store.targets.insert(target)
    answer = await client.post(f"/targets/{target.id}/infinite{verb}", json={"target": "/other"})
    assert answer.status_code == (200 if verb else 202)
    assert bus.asked[0].target == target.id


async def test_an_unknown_target_is_not_found(client):
    assert (await client.get(f"/targets/{uuid7()}/infinite")).status_code == 404
    assert (await client.get("/infinite")).status_code == 200


async def test_a_throttle_out_of_bounds_is_refused(client, bus):
    answer = await client.post("/infinite", json={"target": "/shop", "throttle": 99})
    assert answer.status_code == 422
    assert bus.asked == []
