"""NATS accounts of the embedded server: each user may do its own work and no more."""

import asyncio
import json
from contextlib import asynccontextmanager

import nats
import pytest
from nats.errors import NoRespondersError
from nats.errors import TimeoutError as NatsTimeout
from nats.js.api import ConsumerConfig

from deploy.credentials import NATS_USERS, load_credentials
from deploy.programs import NATS_CONFIG, nats_url_as
from services.agents.main import ProposalSubmitted
from shared.contracts.commands import MeasureFindings, StartWave
from shared.contracts.streams import CONSUMERS, STREAMS, TASKS
from shared.kernel.clock import utc_now
from shared.kernel.errors import Rejected
from shared.kernel.ids import uuid7
from shared.messaging.bus import Bus
from shared.messaging.connection import inbox_prefix
from shared.messaging.provision import find_missing, provision, restore_missing
from shared.messaging.selftest import check_permissions
from tests.conftest import BIN, free_port, running

OF_THE_API = ("gs.evt.webhook.exhausted", "gs.evt.target.pushed")
PUBLISHES = {
    "coordinator": (TASKS.subjects[0], MeasureFindings.subject),
    "agents": (ProposalSubmitted.subject,),
    "resolver": ("gs.proposal.cleared",),
    "validator": ("gs.run.none",),
    "api": (StartWave.subject, *OF_THE_API, "gs.cmd.enhancement.decide_as", "gs.dlq.rpc.none"),
}
# Requests, by the service that answers them.
ANSWERED = {
    "coordinator": (
        "gs.rpc.wave.start",
        "gs.rpc.agents.list",
        "gs.rpc.status",
        "gs.rpc.infinite.start",
        "gs.rpc.infinite.status",
        "gs.rpc.cycle.start",
        "gs.rpc.cycle.stop",
        "gs.rpc.opportunity.queue",
        "gs.rpc.opportunity.dismiss",
        "gs.rpc.opportunity.take",
        "gs.rpc.opportunity.complete",
        "gs.rpc.health.measure",
        "gs.rpc.health.report",
        "gs.rpc.agent.stop",
    ),
    "api": (
        "gs.rpc.target.list",
        "gs.rpc.target.backtest",
        "gs.rpc.enhancement.rollback",
        "gs.rpc.finding.list",
        "gs.rpc.findings.import",
        "gs.rpc.conflict.list",
        "gs.rpc.leases.list",
        "gs.rpc.figures.show",
        "gs.rpc.task.why",
        "gs.rpc.letters.replay",
        "gs.rpc.webhook.test",
        "gs.rpc.cycle.list",
        "gs.rpc.cycle.runs",
        "gs.rpc.opportunity.list",
        "gs.rpc.health.show",
    ),
}


class Accounts:
    """A server with the embedded configuration, and the credentials of one home."""

    def __init__(self, url, credentials):
        self.url, self.credentials = url, credentials

    def url_of(self, user):
        return nats_url_as(user, self.url, self.credentials)

    @asynccontextmanager
    async def client(self, user):
        prefix = inbox_prefix(user if user in PUBLISHES else "")
        client = await nats.connect(
            self.url_of(user), inbox_prefix=prefix, error_cb=self.note, allow_reconnect=False
        )
        try:
            yield client
        finally:
            await client.close()

    async def note(self, error):
        """Denials are what these tests expect."""


@pytest.fixture(scope="module")
def accounts(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    credentials, port = load_credentials(home), free_port()
    argv = [str(BIN / "nats-server"), "-c", str(NATS_CONFIG), "-a", "127.0.0.1", "-p", str(port)]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in credentials.nats_variables().items():
            patch.setenv(name, value)
        with running([*argv, "-sd", str(home / "nats")], port, home / "log"):
            found = Accounts(f"nats://127.0.0.1:{port}", credentials)
            asyncio.run(provision(found.url_of("coordinator"), "coordinator"))
            yield found


async def test_nobody_gets_in_without_a_password(accounts):
    for url in (accounts.url, accounts.url.replace("//", "//user:wrong@")):
        with pytest.raises((nats.errors.Error, OSError)):
            await nats.connect(url, allow_reconnect=False, max_reconnect_attempts=0)


@pytest.mark.parametrize("service", sorted(PUBLISHES))
async def test_each_service_may_do_its_own_work(accounts, service):
    async with accounts.client(service) as client:
        await check_permissions(client, service, PUBLISHES[service])
        assert await client.jetstream().stream_info("GS_EVENTS")


@pytest.mark.parametrize("service", ["agents", "api", "resolver"])
async def test_the_check_at_start_names_what_is_denied(accounts, service, monkeypatch):
    monkeypatch.setattr("shared.messaging.selftest.ANSWER_TIMEOUT_SECONDS", 0.3)
    async with accounts.client(service) as client:
        with pytest.raises(Rejected, match=r"does not let .* publish to gs\.run\.none"):
            await check_permissions(client, service, ("gs.run.none",))


# What would let an agent, or whoever gives commands, act for another service.
FORGED = {
    "agents": (
        "gs.cmd.wave.start",
        "gs.cmd.enhancement.decide",
        "gs.cmd.enhancement.decide_as",
        "gs.evt.target.pushed",
        "gs.rpc.infinite.start",
        "gs.rpc.enhancement.rollback",
        "gs.proposal.cleared",
        "gs.run.x",
        "gs.task.high.code_quality",
        "gs.evt.enhancement.applied",
        "$JS.API.STREAM.DELETE.GS_EVENTS",
        "$JS.API.STREAM.PURGE.GS_EVENTS",
        "$JS.API.CONSUMER.DELETE.GS_TASKS.agents-high-code_quality",
        "$JS.API.CONSUMER.MSG.NEXT.GS_PROPOSALS.validator-cleared",
    ),
    "api": (
        "gs.proposal.submitted",
        "gs.proposal.cleared",
        "gs.run.x",
        "gs.task.high.code_quality",
        "gs.evt.enhancement.applied",
        "gs.rpc.lease.acquire",
        "$JS.API.STREAM.DELETE.GS_EVENTS",
        "$JS.API.STREAM.PURGE.GS_EVENTS",
        "$JS.API.CONSUMER.DELETE.GS_EVENTS.coordinator-events",
        "$JS.API.CONSUMER.CREATE.GS_EVENTS.coordinator-events",
        "$JS.API.CONSUMER.MSG.NEXT.GS_EVENTS.coordinator-events",
        "$JS.API.CONSUMER.MSG.NEXT.GS_EVENTS.coordinator-wakeups",
    ),
    "resolver": (
        "gs.task.high.code_quality",
        "gs.cmd.wave.start",
        "gs.run.x",
        "gs.proposal.submitted",
    ),
    "validator": ("gs.task.high.code_quality", "gs.cmd.wave.start", "gs.proposal.cleared"),
}
FORGED["user"] = (
    *FORGED["api"],
    "gs.cmd.enhancement.decide_as",
    *OF_THE_API,
    "gs.dlq.rpc.none",
)


@pytest.mark.parametrize("user", sorted(FORGED))
async def test_nobody_acts_for_another(accounts, user):
    async with accounts.client("operator") as operator, accounts.client(user) as client:
        before = [(await operator.jetstream().stream_info(s.name)).state for s in STREAMS]

        async def is_refused(subject):
            try:
                await client.request(subject, b"{}", timeout=0.3)
            except (NoRespondersError, NatsTimeout):
                return True
            return False

        refused = await asyncio.gather(*map(is_refused, FORGED[user]))
        assert dict(zip(FORGED[user], refused, strict=True)) == dict.fromkeys(FORGED[user], True)
        assert [(await operator.jetstream().stream_info(s.name)).state for s in STREAMS] == before


@pytest.mark.parametrize("service", sorted(ANSWERED))
async def test_a_person_is_answered_by_whose_request_it_is_and_by_nobody_else(accounts, service):
    async with accounts.client(service) as answering, accounts.client("user") as person:

        async def answer(message):
            await message.respond(service.encode())

        for subject in ANSWERED[service]:
            await answering.subscribe(subject, cb=answer)
        await answering.flush()
        for subject in ANSWERED[service]:
            assert (await person.request(subject, b"{}", timeout=5)).data == service.encode()


async def test_the_api_asks_the_coordinator(accounts):
    async with accounts.client("coordinator") as coordinator, accounts.client("api") as api:

        async def answer(message):
            await message.respond(b"")

        for subject in ANSWERED["coordinator"]:
            await coordinator.subscribe(subject, cb=answer)
        await coordinator.flush()
        for subject in ANSWERED["coordinator"]:
            assert (await api.request(subject, b"{}", timeout=5)).data == b""


async def test_an_event_of_the_api_is_stored_and_heard_once(accounts):
    async with accounts.client("api") as api, accounts.client("user") as person:
        heard = await person.subscribe("gs.evt.>")
        await person.flush()
        for subject in OF_THE_API:
            assert (await api.jetstream().publish(subject, b"{}")).stream == "GS_EVENTS"
        got = [(await heard.next_msg(timeout=30)).subject for _ in OF_THE_API]
        assert sorted(got) == sorted(OF_THE_API)
        with pytest.raises(NatsTimeout):
            await heard.next_msg(timeout=0.3)


@pytest.mark.parametrize("user", ["agents", "api", "user"])
async def test_an_answer_is_not_turned_into_a_message_by_naming_where_it_goes(accounts, user):
    allowed = "gs.proposal.submitted" if user == "agents" else "gs.cmd.wave.start"
    targets = ("gs.evt.enhancement.applied", "gs.run.x", "$JS.API.STREAM.PURGE.GS_EVENTS")
    async with accounts.client("operator") as operator, accounts.client(user) as client:
        jetstream = operator.jetstream()
        await jetstream.publish("gs.evt.wave.started", b"{}")
        names = ("GS_EVENTS", "GS_RUNS")
        before = [(await jetstream.stream_info(each)).state.messages for each in names]
        for target in targets:
            await client.publish(allowed, b"{}", reply=target)
        await client.flush()
        await operator.request("$JS.API.INFO")
        assert [(await jetstream.stream_info(each)).state.messages for each in names] == before


async def test_answers_to_one_service_are_not_read_by_another(accounts):
    async with accounts.client("api") as api, accounts.client("user") as user:
        seen = []

        async def see(message):
            seen.append(message.subject)

        await user.subscribe("_INBOX_api.>", cb=see)
        await user.subscribe(">", cb=see)
        await user.flush()
        await api.jetstream().stream_info("GS_EVENTS")
        await user.flush()
        assert seen == []


async def test_a_person_starts_waves_hears_events_and_reads_dead_letters(accounts):
    async with accounts.client("operator") as operator, accounts.client("user") as user:
        heard = await user.subscribe("gs.evt.>")
        await user.flush()
        assert (await user.jetstream().publish(StartWave.subject, b"{}")).stream == "GS_COMMANDS"
        await operator.jetstream().publish("gs.dlq.x.y", b"why")
        await asyncio.sleep(0.2)
        await operator.publish("gs.evt.wave.started", b"{}")
        assert (await heard.next_msg(2)).subject == "gs.evt.wave.started"
        state = (await user.jetstream().stream_info("GS_DLQ")).state
        assert (await user.jetstream().get_msg("GS_DLQ", state.last_seq)).data == b"why"


async def test_a_person_hears_each_event_of_the_agents_once_and_none_of_others(accounts):
    mine = ("gs.evt.findings.measured", "gs.evt.task.started", "gs.evt.enhancement.proposed")
    async with accounts.client("agents") as agents, accounts.client("user") as person:
        heard = await person.subscribe("gs.evt.>")
        await person.flush()
        for subject in (*mine, "gs.evt.enhancement.applied"):
            await agents.publish(subject, b"{}")
        await agents.flush()
        got = [(await heard.next_msg(timeout=5)).subject for _ in mine]
        assert sorted(got) == sorted(mine)
        with pytest.raises(NatsTimeout):
            await heard.next_msg(timeout=0.3)


async def test_the_api_follows_events_from_its_own_account(accounts):
    async with accounts.client("operator") as operator, accounts.client("api") as client:
        bus = Bus(client, source="api", clock=utc_now, new_id=uuid7)
        start = await bus.last_sequence()
        for number in range(600):
            await operator.publish("gs.evt.wave.started", json.dumps({"n": number}).encode())
        found = []
        events = bus.events(after=start)
        async for event in events:
            found.append(event.data["n"])
            if len(found) == 600:
                break
        await events.aclose()
        assert found == list(range(600))


@pytest.mark.parametrize("depth", [100, 900, 100_000])
async def test_one_bad_event_does_not_end_those_who_follow(accounts, depth):
    async with accounts.client("operator") as operator, accounts.client("api") as client:
        bus = Bus(client, source="api", clock=utc_now, new_id=uuid7)
        start = await bus.last_sequence()
        for body in (b"[" * depth, b'{"a":' * depth, b'{"a": %s}' % (b"[" * depth + b"]" * depth)):
            await operator.publish("gs.evt.wave.started", body)
        await operator.publish("gs.evt.wave.started", b'{"fine": 1}')
        events = bus.events(after=start)
        assert (await anext(events)).data == {"fine": 1}
        await events.aclose()


async def test_a_follower_ends_without_an_error_when_its_connection_closes(accounts):
    async with accounts.client("api") as client:
        bus = Bus(client, source="api", clock=utc_now, new_id=uuid7)
        following = asyncio.create_task(anext(bus.events(after=await bus.last_sequence()), None))
        await asyncio.sleep(0.3)
        await client.drain()
        assert await asyncio.wait_for(following, 10) is None


async def test_a_follower_goes_on_in_a_stream_that_was_made_again(accounts):
    async with accounts.client("operator") as operator, accounts.client("api") as client:
        bus = Bus(client, source="api", clock=utc_now, new_id=uuid7)
        await operator.jetstream().publish("gs.evt.wave.started", b'{"n": 1}')
        events = bus.events(after=await bus.last_sequence() - 1)
        assert (await anext(events)).data == {"n": 1}
        await operator.jetstream().delete_stream("GS_EVENTS")
        async with accounts.client("coordinator") as coordinator:
            await restore_missing(coordinator)
        await operator.jetstream().publish("gs.evt.wave.started", b'{"n": 2}')
        assert (await asyncio.wait_for(anext(events), 30)).data == {"n": 2}
        await events.aclose()


async def test_what_was_deleted_is_missed_and_made_again(accounts):
    async with accounts.client("operator") as operator, accounts.client("api") as api:
        jetstream = operator.jetstream()
        bus = Bus(api, source="api", clock=utc_now, new_id=uuid7)
        await jetstream.delete_stream("GS_RUNS")
        await jetstream.delete_consumer("GS_COMMANDS", "validator-target")
        assert sorted(await bus.missing_streams()) == ["GS_RUNS", "validator-target"]
    async with accounts.client("coordinator") as coordinator:
        await restore_missing(coordinator)
        assert await find_missing(coordinator) == []


async def test_an_unnamed_consumer_is_all_that_a_person_can_make(accounts):
    async with accounts.client("user") as user:
        config = ConsumerConfig(durable_name="coordinator-events", ack_policy="none")
        request = {"stream_name": "GS_EVENTS", "config": config.as_dict()}
        subject = "$JS.API.CONSUMER.CREATE.GS_EVENTS"
        for named in ({"durable_name": "coordinator-events"}, {"name": "coordinator-events"}):
            request["config"] = {"ack_policy": "none", **named}
            answer = await user.request(subject, json.dumps(request).encode(), timeout=2)
            body = json.loads(answer.data)
            assert "error" in body or body["name"] != "coordinator-events"
    async with accounts.client("operator") as operator:
        found = await operator.jetstream().consumer_info("GS_EVENTS", "coordinator-events")
        assert str(found.config.ack_policy) == "explicit"


def test_every_consumer_belongs_to_a_service_that_has_a_user():
    assert {each.service for each in CONSUMERS} < set(NATS_USERS)
