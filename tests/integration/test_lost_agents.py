"""Two agent processes and a wave, on real servers: what one of them had when it is killed."""

import asyncio
import os
import signal
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nats
import pytest

from services.coordinator import main as coordinator
from services.coordinator.settings import CoordinatorSettings
from services.resolver import main as resolver
from services.resolver.settings import ResolverSettings
from shared.contracts.answers import AgentList, WaveAccepted
from shared.contracts.commands import GetAgents, StartWave
from shared.contracts.events import AgentActive, AgentOffline
from shared.contracts.states import AgentState, EnhancementState, TaskState
from shared.kernel.clock import utc_now
from shared.kernel.ids import uuid7
from shared.messaging.bus import Bus
from shared.messaging.service import serve
from shared.mongo.client import connected
from shared.mongo.collections import Store, ensure_indexes, open_store
from tests.support.repositories import a_repository

ROOT = Path(__file__).parent.parent.parent
HEARTBEAT_SECONDS = 3.0
PATIENCE_SECONDS = 90


@dataclass
class Stack:
    """A coordinator and a resolver in this process; agent processes are started beside them."""

    urls: dict[str, str]
    database: str
    folder: Path
    store: Store
    bus: Bus
    seen: list[tuple[float, Any]] = field(default_factory=list)

    @asynccontextmanager
    async def agents(self, name, *arguments):
        """A process with one slot, on what might be another machine."""
        ours = {
            "GROUNDSWELL_HOME": str(self.folder / name),
            "GROUNDSWELL_SLOTS": str(self.folder / f"slots-{name}"),
            "GROUNDSWELL_AGENTS": "1",
            "GROUNDSWELL_HEARTBEAT_SECONDS": str(HEARTBEAT_SECONDS),
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "tests.support.agent_process", self.database, *arguments),
            cwd=ROOT,
            env={**os.environ, **self.urls, **ours},
        )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    def of(self, kind):
        return [(at, event) for at, event in self.seen if isinstance(event, kind)]

    async def until(self, is_so):
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                if found := await is_so():
                    return found
                await asyncio.sleep(0.05)


@pytest.fixture
async def stack(own_nats_url, mongo_url, tmp_path):
    urls = {"GROUNDSWELL_NATS_URL": own_nats_url, "GROUNDSWELL_MONGO_URL": mongo_url}
    database = "test_" + uuid7().replace("-", "")
    async with AsyncExitStack() as held:
        opened = await held.enter_async_context(connected(mongo_url, database))
        await ensure_indexes(opened)
        store = open_store(opened)
        settings = CoordinatorSettings(home=tmp_path / "coordinator")
        reading = ResolverSettings(home=tmp_path / "resolver")
        serving = (
            serve(
                "coordinator",
                own_nats_url,
                lambda bus: coordinator.build(settings, bus, store),
                provisions=True,
            ),
            serve("resolver", own_nats_url, lambda bus: resolver.build(reading, bus, store)),
        )
        tasks = [asyncio.create_task(each) for each in serving]
        client = await nats.connect(own_nats_url)
        bus = Bus(client, source="test", clock=utc_now, new_id=uuid7)
        made = Stack(urls, database, tmp_path, store, bus)

        async def note(message):
            kinds = {each.subject: each for each in (AgentActive, AgentOffline)}
            if kind := kinds.get(message.subject):
                made.seen.append((time.monotonic(), kind.model_validate_json(message.data)))

        await client.subscribe("gs.evt.agent.*", cb=note)
        yield made
        await client.close()
        for each in tasks:
            each.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_killed_process_loses_its_agent_to_another_within_three_heartbeats(stack, tmp_path):
    place = a_repository(tmp_path / "target", a_py="import os\n", b_py="import os\n")
    async with stack.agents("first", "stuck") as first:
        await stack.until(stack.store.workers.find)
        start = StartWave(target=str(place))
        wave = (await stack.bus.request(start, WaveAccepted, timeout=30)).wave_id

        async def one_is_at_work():
            shown = await stack.bus.request(GetAgents(active=True), AgentList)
            doing = {each.name: each.doing for each in shown.agents}
            return doing if any("at work" in each for each in doing.values()) else None

        doing = await stack.until(one_is_at_work)
        assert sorted(each.split()[0] for each in doing.values()) == ["at", "waiting"]
        assert "waiting for a slot" in doing.values()
        [(_, lost)] = stack.of(AgentActive)
        assert lost.pid == first.pid
        async with stack.agents("second") as second:

            async def both_are_there():
                return await stack.store.workers.count() == 2

            await stack.until(both_are_there)
            first.send_signal(signal.SIGKILL)
            killed = time.monotonic()

            async def all_are_done():
                agents = await stack.store.agents.find(wave_id=wave)
                return agents if {each.state for each in agents} == {AgentState.IDLE} else None

            agents = await stack.until(all_are_done)
            again = [(at, event) for at, event in stack.of(AgentActive) if event.pid == second.pid]
    taken_at, taken = next(each for each in again if each[1].agent_id == lost.agent_id)
    assert taken_at - killed <= 3 * HEARTBEAT_SECONDS
    assert taken.task_id == lost.task_id
    assert taken.epoch > lost.epoch
    assert [event.agent_id for _, event in stack.of(AgentOffline)] == [lost.agent_id]
    tasks = await stack.store.tasks.find(wave_id=wave)
    assert {each.state for each in tasks} == {TaskState.PROPOSED}
    assert {each.stint.pid for each in agents} == {second.pid}
    changes = await stack.store.enhancements.find(wave_id=wave)
    assert {each.proposal.author.agent for each in changes} == {each.name for each in agents}
    assert {each.state for each in changes} <= {EnhancementState.PROPOSED, EnhancementState.CLEARED}
