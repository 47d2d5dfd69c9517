"""Work that is taken only where there is room for it, on a real nats-server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import nats
import pytest

from shared.contracts.streams import RUN_REQUESTS
from shared.contracts.work import RunTests
from shared.kernel.errors import Transient
from shared.kernel.ids import uuid7
from shared.messaging import consumers, pull_workers
from shared.messaging.dead_letters import DeadLetters
from shared.messaging.provision import provision
from shared.messaging.pull_workers import PullWorker, run_pull_worker

ACK_WAIT = 1.5
PATIENCE = 20


@dataclass
class Runner:
    """Has room for so many at once; each goes on until it is told to end."""

    room: int = 1
    begun: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    end: asyncio.Event = field(default_factory=asyncio.Event)
    fails: list[Exception] = field(default_factory=list)

    async def handle(self, command: RunTests) -> None:
        self.begun.append(command.run_id)
        if self.fails:
            raise self.fails.pop(0)
        try:
            await self.end.wait()
        except asyncio.CancelledError:
            self.cancelled.append(command.run_id)
            raise
        self.ended.append(command.run_id)

    def has_room(self, under_way: int) -> bool:
        return under_way < self.room


@pytest.fixture
async def queue(own_nats_url, monkeypatch) -> AsyncIterator["Queue"]:
    """The work queue of runs; a message comes again soon when nobody says that it is at it."""
    monkeypatch.setitem(consumers.ACK_WAIT_SECONDS, RUN_REQUESTS.name, ACK_WAIT)
    monkeypatch.setattr(pull_workers, "CAPACITY_POLL_SECONDS", 0.01)
    monkeypatch.setattr(pull_workers, "FETCH_TIMEOUT_SECONDS", 0.5)
    await provision(own_nats_url)
    client = await nats.connect(own_nats_url)
    jetstream = client.jetstream()
    found = (await jetstream.consumer_info(RUN_REQUESTS.stream, RUN_REQUESTS.name)).config
    await jetstream.add_consumer(RUN_REQUESTS.stream, replace(found, ack_wait=ACK_WAIT))
    yield Queue(own_nats_url, client)
    await client.close()


@dataclass
class Queue:
    url: str
    client: nats.NATS

    async def put(self, count: int = 1) -> list[str]:
        asked = [RunTests(run_id=uuid7(), target_id=uuid7()) for _ in range(count)]
        for each in asked:
            await self.client.jetstream().publish(each.address(), each.model_dump_json().encode())
        return [each.run_id for each in asked]

    async def left(self) -> int:
        return (await self.client.jetstream().stream_info("GS_RUNS")).state.messages

    async def at_work(self) -> int | None:
        info = await self.client.jetstream().consumer_info("GS_RUNS", RUN_REQUESTS.name)
        return info.num_ack_pending

    @asynccontextmanager
    async def taken_by(self, runner: Runner) -> AsyncIterator[nats.NATS]:
        """By a process of its own, as far as NATS can tell."""
        client = await nats.connect(self.url)
        worker = PullWorker(RUN_REQUESTS, RunTests, runner.handle, runner.has_room)
        task = asyncio.create_task(run_pull_worker(worker, client, DeadLetters(client)))
        try:
            yield client
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            if not client.is_closed:
                await client.close()


async def until(happened):
    async with asyncio.timeout(PATIENCE):
        while not (await happened() if asyncio.iscoroutinefunction(happened) else happened()):  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_as_many_are_taken_as_there_is_room_for_and_the_rest_is_left_to_others(queue):
    one, two = Runner(room=2), Runner(room=1)
    asked = await queue.put(4)
    async with queue.taken_by(one):
        await until(lambda: len(one.begun) == 2)
        async with queue.taken_by(two):
            await until(lambda: len(two.begun) == 1)
            assert await queue.at_work() == 3
            one.end.set()
            two.end.set()

            async def nothing_is_left() -> bool:
                return await queue.left() == 0

            await until(nothing_is_left)
    assert sorted(one.ended + two.ended) == sorted(asked)


async def test_what_takes_longer_than_the_server_waits_stays_with_who_is_at_it(queue):
    one, two = Runner(), Runner()
    await queue.put()
    async with queue.taken_by(one):
        await until(lambda: one.begun)
        async with queue.taken_by(two):
            await asyncio.sleep(2 * ACK_WAIT)
            assert (len(one.begun), two.begun) == (1, [])
            one.end.set()
            await until(lambda: one.ended)


async def test_what_a_lost_one_had_is_taken_over_by_another(queue):
    lost, other = Runner(), Runner()
    asked = await queue.put()
    async with queue.taken_by(lost) as client:
        await until(lambda: lost.begun)
        # Its process goes on but nobody hears of it any more, as if it were dead.
        await client.close()
        async with queue.taken_by(other):
            await until(lambda: other.begun == asked)
            other.end.set()
            await until(lambda: other.ended == asked)


async def test_who_is_told_to_stop_stops_what_is_under_way_and_another_gets_it_at_once(
    queue,
):
    found = (await queue.client.jetstream().consumer_info("GS_RUNS", RUN_REQUESTS.name)).config
    await queue.client.jetstream().add_consumer("GS_RUNS", replace(found, ack_wait=60.0))
    one, two = Runner(room=2), Runner(room=2)
    asked = await queue.put(2)
    async with queue.taken_by(one):
        await until(lambda: len(one.begun) == 2)
    assert sorted(one.cancelled) == sorted(asked)
    async with queue.taken_by(two):
        await until(lambda: sorted(two.begun) == sorted(asked))


async def test_what_cannot_be_done_now_comes_again(queue):
    runner = Runner(fails=[Transient("not yet", delay=0.05)])
    runner.end.set()
    asked = await queue.put()
    async with queue.taken_by(runner):
        await until(lambda: runner.ended == asked)
    assert runner.begun == asked * 2


@pytest.mark.parametrize("body", [b"no json", b'{"run_id": 1}'])
async def test_garbage_is_buried_and_does_not_stop_the_rest(queue, body):
    runner = Runner()
    runner.end.set()
    await queue.client.jetstream().publish("gs.run.x", body)
    asked = await queue.put()
    async with queue.taken_by(runner):
        await until(lambda: runner.ended == asked)

        async def it_is_buried() -> bool:
            return (await queue.client.jetstream().stream_info("GS_DLQ")).state.messages == 1

        await until(it_is_buried)


async def test_a_process_that_has_taken_nothing_ends_at_once(queue):
    """Draining its connection would wait half a minute for messages that nobody reads any more."""
    client = await nats.connect(queue.url)
    worker = PullWorker(RUN_REQUESTS, RunTests, Runner().handle, lambda _: True)
    task = asyncio.create_task(run_pull_worker(worker, client, DeadLetters(client)))
    await asyncio.sleep(1.5 * pull_workers.FETCH_TIMEOUT_SECONDS)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    # The server still answers what we asked for last.
    await asyncio.sleep(pull_workers.FETCH_TIMEOUT_SECONDS)
    draining = asyncio.create_task(client.drain())
    done, _ = await asyncio.wait({draining}, timeout=PATIENCE)
    assert done
