"""The resolver is killed (kill -9) while it grants and ends leases: none is double or lost."""

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import nats
import pytest

from services.resolver.domain.leases import LEASE_TTL
from shared.contracts.answers import Acknowledgement
from shared.contracts.commands import AcquireLease, LeaseGrant, ReleaseLease
from shared.contracts.documents.targets import Target
from shared.contracts.events import LeaseExpired, LeaseGranted, LeaseReleased
from shared.kernel.clock import utc_now
from shared.kernel.errors import Transient
from shared.kernel.failpoints import ENVIRONMENT_VARIABLE
from shared.kernel.ids import uuid7
from shared.messaging.bus import Bus
from shared.mongo.client import connected
from shared.mongo.collections import Store, ensure_indexes, open_store
from tests.support.builders import a_target, a_task, a_wave
from tests.support.stack import ROOT

# At different numbers of leases, so that it is killed each time in a life of its own.
KILLED_AT = {"lease.saved": 3, "lease.granted": 5, "lease.published": 2}
PLACES, CLAIMANTS_OF_EACH = 4, 3
PATIENCE_SECONDS = 120


@dataclass
class Claimants:
    """Tasks that claim folders which others claim as well, and give them back."""

    bus: Bus
    store: Store
    target: Target = field(default_factory=a_target)
    holders: dict[str, str] = field(default_factory=dict)
    epochs: dict[str, int] = field(default_factory=dict)

    async def all_have_had_theirs(self):
        wave = a_wave(target_id=self.target.id, state="running")
        paths = [f"/f{number}/" for number in range(PLACES)] * CLAIMANTS_OF_EACH
        tasks = [a_task(wave, state="running", paths=(path,)) for path in paths]
        await self.store.tasks.insert_missing(tasks)
        await asyncio.gather(*(self.claim(each) for each in tasks))
        return tasks

    async def claim(self, task):
        """Ask until the lease is granted, and give it back."""
        [path] = task.paths
        claim = AcquireLease(
            target_id=task.target_id,
            wave_id=task.wave_id,
            task_id=task.id,
            component=task.component,
            paths=task.paths,
        )
        asked = utc_now()
        grant = await self.answer(claim, LeaseGrant)
        while not grant.granted:
            asked = utc_now()
            grant = await self.answer(claim, LeaseGrant)
        assert path not in self.holders, "it is held twice"
        self.holders[path], self.epochs[task.id] = task.id, grant.epoch
        ledger = await self.store.leases.require(task.target_id)
        held = ledger.held.get(task.id)
        is_held = held is not None and (held.paths, held.epoch) == (task.paths, grant.epoch)
        assert is_held or utc_now() - asked > LEASE_TTL, "the grant is lost"
        del self.holders[path]
        release = ReleaseLease(target_id=task.target_id, task_id=task.id)
        await self.answer(release, Acknowledgement)

    async def answer(self, question, kind):
        while True:
            try:
                return await self.bus.request(question, kind, timeout=2)
            except Transient:
                await asyncio.sleep(0.05)


@asynccontextmanager
async def a_resolver(database, told):
    """A resolver that is started again whenever it is killed; yields how its lives ended."""
    ended, alive = [], []

    async def live():
        while True:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "tests.support.resolver_process", database),
                cwd=ROOT,
                env={**os.environ, **told},
            )
            alive[:] = [process]
            ended.append(await process.wait())

    living = asyncio.create_task(live())
    try:
        yield ended
    finally:
        living.cancel()
        alive[0].kill()
        await alive[0].wait()


async def published(bus, ended):
    """The epochs that were granted by events, until so many leases have ended by others."""
    events, granted, left = bus.events(after=0), [], ended
    async for each in events:
        if each.subject == LeaseGranted.subject:
            granted.append(int(each.data["epoch"]))
        left -= each.subject in {LeaseReleased.subject, LeaseExpired.subject}
        if left <= 0:
            break
    last = await bus.last_sequence()
    more = [e async for e in _up_to(events, each.sequence, last)]
    await events.aclose()
    return granted, left - sum(e.subject.startswith("gs.evt.lease.") for e in more)


async def _up_to(events, sequence, last):
    while sequence < last:
        each = await anext(events)
        sequence = each.sequence
        yield each


@pytest.mark.timeout(PATIENCE_SECONDS + 60)
async def test_no_lease_is_double_and_none_is_lost(own_nats_url, mongo_url, tmp_path):
    database = "test_" + uuid7().replace("-", "")
    markers = {point: tmp_path / point for point in KILLED_AT}
    told = {
        "GROUNDSWELL_NATS_URL": own_nats_url,
        "GROUNDSWELL_MONGO_URL": mongo_url,
        "GROUNDSWELL_HOME": str(tmp_path / "home"),
        ENVIRONMENT_VARIABLE: ",".join(f"{p}:{n}:{markers[p]}" for p, n in KILLED_AT.items()),
    }
    client = await nats.connect(own_nats_url)
    bus = Bus(client, source="test", clock=utc_now, new_id=uuid7)
    async with connected(mongo_url, database) as opened, asyncio.timeout(PATIENCE_SECONDS):
        await ensure_indexes(opened)
        claimants = Claimants(bus, open_store(opened))
        async with a_resolver(database, told) as ended:
            tasks = await claimants.all_have_had_theirs()
            ledger = await claimants.store.leases.require(claimants.target.id)
            granted, too_many = await published(bus, ledger.epoch)
    await client.close()
    assert all(each.exists() for each in markers.values()), "it was not killed everywhere"
    assert ended == [-9] * len(KILLED_AT)
    assert len(claimants.epochs) == len(tasks)
    assert ledger.held == {}
    assert len(granted) == len(set(granted)), "a grant was published twice"
    # One that nobody heard of may expire, on a machine that takes long to start a resolver again.
    assert {*claimants.epochs.values()} <= {*granted} <= {*range(1, ledger.epoch + 1)}
    assert too_many == 0, "an end was published twice, or something after it"
