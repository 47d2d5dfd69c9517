"""The wrapper, dead letters and RPC on a real nats-server."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats
import pytest
from faststream.nats import NatsRouter
from faststream.nats.annotations import NatsMessage

from shared.contracts.base import Value
from shared.contracts.commands import GetStatus, RollbackEnhancement, StartWave, StopWave
from shared.contracts.events import EVENTS, WaveStarted
from shared.contracts.streams import (
    EVENTS_FOR_COORDINATOR,
    RUN_REQUESTS,
    STREAMS,
    TARGET_COMMANDS,
    WAVE_COMMANDS,
)
from shared.kernel.clock import utc_now
from shared.kernel.errors import Conflict, Rejected, Transient
from shared.kernel.ids import uuid7
from shared.messaging.bus import Bus
from shared.messaging.consumers import of_type, reject_unknown, subscriber_options, with_id
from shared.messaging.provision import provision
from shared.messaging.rpc import Endpoint
from shared.messaging.service import Service, serve


class Answer(Value):
    text: str


class FakeUseCases:
    """Fake use cases of a service, which record their calls and raise the errors in `fails`."""

    def __init__(self) -> None:
        self.started: list[StartWave] = []
        self.attempts: list[str | None] = []
        self.fails: list[Exception] = []

    async def start(self, command: StartWave) -> None:
        self.attempts.append(command.wave_id)
        if self.fails:
            raise self.fails.pop(0)
        self.started.append(command)

    async def answer(self, question: GetStatus) -> Answer:
        if self.fails:
            raise self.fails.pop(0)
        return Answer(text="all is well")


def service(deps: FakeUseCases) -> Service:
    router = NatsRouter()
    commands = router.subscriber(WAVE_COMMANDS.filter, **subscriber_options(WAVE_COMMANDS))

    @commands(filter=of_type(StartWave))
    async def do_start_wave(command: StartWave, message: NatsMessage) -> None:
        await deps.start(with_id(command, "wave_id", message))

    commands(reject_unknown)
    return Service("test", router, (Endpoint(GetStatus, Answer, deps.answer),))


@pytest.fixture
async def clean(nats_url: str) -> AsyncIterator[nats.NATS]:
    client = await nats.connect(nats_url)
    for stream in await client.jetstream().streams_info():
        await client.jetstream().delete_stream(stream.config.name or "")
    await provision(nats_url)
    yield client
    await client.close()


@asynccontextmanager
async def served(url: str, deps: FakeUseCases) -> AsyncIterator[Bus]:
    buses: asyncio.Queue[Bus] = asyncio.Queue()

    def make(bus: Bus) -> Service:
        buses.put_nowait(bus)
        return service(deps)

    task = asyncio.create_task(serve("test", url, make))
    bus = await asyncio.wait_for(buses.get(), 10)
    for _ in range(50):
        if "test" in await bus.ping({"test"}, timeout=0.5):
            break
    yield bus
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def letters(client: nats.NATS, count: int) -> list[nats.js.api.RawStreamMsg]:
    jetstream = client.jetstream()
    for _ in range(200):
        info = await jetstream.stream_info("GS_DLQ")
        if info.state.messages >= count:
            return [await jetstream.get_msg("GS_DLQ", seq) for seq in range(1, count + 1)]
        await asyncio.sleep(0.05)
    raise AssertionError("no dead letter came")


async def pending(client: nats.NATS) -> int:
    return (await client.jetstream().stream_info("GS_COMMANDS")).state.messages


async def until(condition) -> None:
    for _ in range(200):
        if await condition() if asyncio.iscoroutinefunction(condition) else condition():
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it did not happen")


async def test_a_plain_publish_without_headers_is_handled_and_acknowledged(nats_url, clean):
    deps = FakeUseCases()
    async with served(nats_url, deps):
        await clean.publish("gs.cmd.wave.start", b'{"size":"large"}')
        await until(lambda: deps.started)
        assert deps.started[0].size == "large"

        async def empty() -> bool:
            return await pending(clean) == 0

        await until(empty)


@pytest.mark.parametrize(
    ("subject", "body", "reason"),
    [
        ("gs.cmd.wave.start", b"\xff\x00 not json", "not JSON"),
        ("gs.cmd.wave.start", b"[1,2,3]", "invalid"),
        ("gs.cmd.wave.start", b'{"size":"gigantic"}', "size"),
        ("gs.cmd.wave.start", b'{"version":99}', "version"),
        ("gs.cmd.wave.explode", b"{}", "No handler"),
        ("gs.cmd.wave.stop", b"nonsense", "not JSON"),
    ],
)
async def test_garbage_becomes_a_dead_letter_and_the_service_goes_on(
    nats_url, clean, subject, body, reason
):
    deps = FakeUseCases()
    async with served(nats_url, deps):
        await clean.jetstream().publish(subject, body)
        (letter,) = await letters(clean, 1)
        assert letter.data == body
        assert letter.headers is not None
        assert reason in letter.headers["gs-reason"]
        assert letter.headers["gs-subject"] == subject
        assert subject in letter.headers["gs-replay"]
        await clean.publish("gs.cmd.wave.start", b"{}")
        await until(lambda: deps.started)
        assert await pending(clean) == 0 or deps.started


async def test_a_transient_problem_is_tried_again_until_it_passes(nats_url, clean):
    deps = FakeUseCases()
    deps.fails = [Transient("not yet", delay=0.05)]
    async with served(nats_url, deps):
        await clean.publish("gs.cmd.wave.start", b"{}")
        await until(lambda: deps.started)
        first, second = deps.attempts
        assert first == second, "each delivery of a message gives its command the same id"


async def test_a_refused_command_is_not_tried_again(nats_url, clean):
    deps = FakeUseCases()
    deps.fails = [Rejected("no such target", hint="try another")]
    async with served(nats_url, deps):
        await clean.publish("gs.cmd.wave.start", b"{}")
        (letter,) = await letters(clean, 1)
        assert letter.headers is not None
        assert "no such target" in letter.headers["gs-reason"]
        assert len(deps.attempts) == 1


async def test_a_defect_is_tried_five_times_and_then_kept(nats_url, clean, monkeypatch):
    monkeypatch.setattr("shared.messaging.consumers.REDELIVERY_BACKOFF_SECONDS", (0.02,))
    deps = FakeUseCases()
    deps.fails = [RuntimeError("defect")] * 9
    async with served(nats_url, deps):
        await clean.publish("gs.cmd.wave.start", b"{}")
        (letter,) = await letters(clean, 1)
        assert letter.headers is not None
        assert letter.headers["gs-deliveries"] == "5"
        assert len(deps.attempts) == 5


async def test_a_request_is_answered_and_an_error_arrives_as_its_family(nats_url, clean):
    deps = FakeUseCases()
    async with served(nats_url, deps) as bus:
        assert (await bus.request(GetStatus(), Answer)).text == "all is well"
        deps.fails = [Conflict("already open", hint="wait", code="wave_open")]
        with pytest.raises(Conflict) as caught:
            await bus.request(GetStatus(), Answer)
        assert (caught.value.code, caught.value.hint) == ("wave_open", "wait")


async def test_a_garbage_request_is_answered_with_what_is_wrong_and_kept(nats_url, clean):
    async with served(nats_url, FakeUseCases()):
        reply = await clean.request("gs.rpc.status", b'{"version": "x"}', timeout=5)
        error = json.loads(reply.data)["error"]
        assert "version" in error["message"]
        (letter,) = await letters(clean, 1)
        assert letter.subject == "gs.dlq.rpc.status"


async def test_nobody_there_is_transient(nats_url, clean):
    async with served(nats_url, FakeUseCases()) as bus:
        with pytest.raises(Transient):
            await bus.request(StopWave(), Answer, timeout=0.3)


async def test_the_same_key_is_stored_once(nats_url, clean):
    async with served(nats_url, FakeUseCases()) as bus:
        identity = uuid7()
        for _ in range(3):
            await bus.publish(RollbackEnhancement(enhancement_id=identity), key=identity)
        assert await pending(clean) == 1


async def test_events_are_replayed_after_a_sequence_and_carry_the_envelope(nats_url, clean):
    bus = Bus(clean, source="test", clock=utc_now, new_id=uuid7)
    wave, target = uuid7(), uuid7()
    for tasks in (1, 2, 3):
        event = WaveStarted(wave_id=wave, target_id=target, tasks=tasks)
        await bus.publish(event, key=f"{wave}:{tasks}", wave=wave)
    seen = []
    async for received in bus.events(after=1):
        seen.append(received.data["tasks"])
        if len(seen) == 2:
            break
    assert seen == [2, 3]
    message = await clean.jetstream().get_msg("GS_EVENTS", 1)
    assert message.headers is not None
    assert message.headers["ce-correlationid"] == wave
    assert message.headers["ce-type"] == "gs.evt.wave.started"
    assert message.headers["traceparent"].split("-")[1] == wave.replace("-", "")


async def test_a_consumer_of_an_older_version_that_takes_less_at_once_is_widened(own_nats_url):
    await provision(own_nats_url)
    client = await nats.connect(own_nats_url)
    jetstream = client.jetstream()

    async def most() -> int | None:
        found = await jetstream.consumer_info(RUN_REQUESTS.stream, RUN_REQUESTS.name)
        return found.config.max_ack_pending

    older = (await jetstream.consumer_info(RUN_REQUESTS.stream, RUN_REQUESTS.name)).config
    older.max_ack_pending = 4
    await jetstream.add_consumer(RUN_REQUESTS.stream, older)
    assert await most() == 4
    await provision(own_nats_url)
    assert await most() == RUN_REQUESTS.max_ack_pending
    await client.close()


async def test_the_coordinator_is_sent_only_the_events_that_it_acts_on(clean):
    jetstream = clean.jetstream()
    for event in EVENTS:
        await jetstream.publish(event.subject, b"{}")
    info = await jetstream.consumer_info(EVENTS_FOR_COORDINATOR.stream, EVENTS_FOR_COORDINATOR.name)
    assert info.num_pending == len(EVENTS_FOR_COORDINATOR.filter_subjects)
    subscription = await jetstream.pull_subscribe_bind(
        durable=EVENTS_FOR_COORDINATOR.name, stream=EVENTS_FOR_COORDINATOR.stream
    )
    received = await subscription.fetch(len(EVENTS), timeout=1)
    assert {each.subject for each in received} == set(EVENTS_FOR_COORDINATOR.filter_subjects)


async def test_subjects_of_a_newer_version_are_added_to_what_is_there(own_nats_url):
    await provision(own_nats_url)
    client = await nats.connect(own_nats_url)
    jetstream = client.jetstream()
    await jetstream.delete_consumer(TARGET_COMMANDS.stream, TARGET_COMMANDS.name)
    older = (await jetstream.stream_info(TARGET_COMMANDS.stream)).config
    older.subjects.remove(TARGET_COMMANDS.filter)
    await jetstream.update_stream(older)
    await jetstream.publish("gs.cmd.wave.start", b"{}")
    await provision(own_nats_url)
    info = await jetstream.stream_info(TARGET_COMMANDS.stream)
    assert TARGET_COMMANDS.filter in info.config.subjects
    assert info.state.messages == 1
    info.config.subjects.append("somebody.elses")
    await jetstream.update_stream(info.config)
    await client.close()
    with pytest.raises(Rejected, match="subjects"):
        await provision(own_nats_url)


async def test_provisioning_twice_changes_nothing_and_drift_is_refused(own_nats_url):
    await provision(own_nats_url)
    await provision(own_nats_url)
    client = await nats.connect(own_nats_url)
    info = await client.jetstream().stream_info(STREAMS[0].name)
    info.config.max_msgs = 7
    await client.jetstream().update_stream(info.config)
    await client.close()
    with pytest.raises(Rejected, match="max_msgs is 7"):
        await provision(own_nats_url)
