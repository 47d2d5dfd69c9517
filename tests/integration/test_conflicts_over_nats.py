"""The resolver as a service on real NATS and MongoDB: overlaps are settled by its own loops."""

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import nats
import pytest

from services.resolver.main import build
from services.resolver.settings import ResolverSettings
from shared.contracts.documents.leases import Lease, LeaseLedger
from shared.contracts.events import EVENT_BY_SUBJECT, ConflictResolved, EnhancementCleared
from shared.contracts.streams import EVENTS
from shared.contracts.work import ProposalSubmitted
from shared.kernel.clock import utc_now
from shared.messaging.bus import Bus
from shared.messaging.provision import provision
from shared.messaging.service import serve
from tests.support.landing import a_yard
from tests.support.overlapping import TEXT, Overlapping, edited
from tests.support.stores import a_real_store


@asynccontextmanager
async def a_resolver(url, store, home):
    """A running resolver; it ends without a word, as a killed one does."""
    buses: asyncio.Queue[Bus] = asyncio.Queue()

    def make(bus):
        buses.put_nowait(bus)
        return build(ResolverSettings(home=home), bus, store)

    task = asyncio.create_task(serve("resolver", url, make))
    try:
        yield await asyncio.wait_for(buses.get(), 10)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def events(own_nats_url):
    await provision(own_nats_url)
    client = await nats.connect(own_nats_url)

    async def of(*kinds):
        """The events of these classes that the stream has stored."""
        jetstream = client.jetstream()
        count = (await jetstream.stream_info(EVENTS.name)).state.messages
        messages = [await jetstream.get_msg(EVENTS.name, n + 1) for n in range(count)]
        known = [EVENT_BY_SUBJECT[each.subject].model_validate_json(each.data) for each in messages]
        return [each for each in known if isinstance(each, kinds)]

    yield of
    await client.close()


async def until(condition):
    for _ in range(200):
        if await condition():
            return
        await asyncio.sleep(0.1)
    raise AssertionError("it never came")


async def submit(bus, *changes):
    for each in changes:
        message = ProposalSubmitted(
            enhancement_id=each.id,
            wave_id=each.wave_id,
            target_id=each.target_id,
            epoch=each.proposal.epoch,
        )
        await bus.publish(message, key=each.id, wave=each.wave_id)


def both_leased(*tasks):
    """A ledger in which each task holds its lease, as after one of them proposed and gave it up."""
    leases = [
        Lease(
            task_id=each.id,
            wave_id=each.wave_id,
            component=each.component,
            paths=each.paths,
            epoch=each.epoch,
            expires_at=utc_now() + timedelta(minutes=5),
        )
        for each in tasks
    ]
    held = {each.task_id: each for each in leases}
    return LeaseLedger(id=tasks[0].target_id, epoch=len(tasks), held=held)


async def test_overlaps_are_settled_once_though_the_resolver_is_killed_on_the_way(
    own_nats_url, mongo_url, tmp_path, events
):
    yard = a_yard(tmp_path, m_py=TEXT)
    async with a_real_store(mongo_url) as store:
        made = Overlapping(store, target=yard.target, commit=yard.head())
        wave = await made.wave()
        one, two, three = [
            await made.task(wave, agent_type=each, epoch=n)
            for n, each in enumerate(("a1", "b2", "c3"))
        ]
        await store.leases.insert(both_leased(one, two, three))
        small = await made.propose(one, edited(3), worth=1)
        large = await made.propose(two, edited(3, by="other"), worth=5)
        apart = await made.propose(three, edited(30), worth=1)

        async def states():
            changes = await store.enhancements.find_by_ids([small.id, large.id, apart.id])
            return [str(each.state) for each in changes]

        async def placed():
            return await states() == ["conflicting", "cleared", "cleared"]

        async with a_resolver(own_nats_url, store, tmp_path / "home") as bus:
            await submit(bus, small, large, apart)
            await until(placed)
        first = await store.enhancements.require(large.id)
        for trigger in ("validate", "pass", "land"):
            now = utc_now()
            first = await store.enhancements.transition(
                first, trigger, changed_at=now, finished_at=now
            )
        async with a_resolver(own_nats_url, store, tmp_path / "home") as bus:
            await submit(bus, small, large, apart)

            async def is_settled():
                return await states() == ["expired", "applied", "cleared"]

            await until(is_settled)
        records = await store.conflicts.find()
        outcomes = sorted(str(each.outcome) for each in records)
        assert outcomes == ["both stand", "both stand", "remade"]
        published = await events(ConflictResolved)
        assert sorted(each.conflict_id for each in published) == sorted(e.id for e in records)
        cleared = [each.enhancement_id for each in await events(EnhancementCleared)]
        assert {large.id, apart.id} <= {*cleared}
        assert len(cleared) == len({*cleared})
