"""Who decides for a target, between validators that share a database and nothing else."""

import asyncio

import pytest

from services.validator.landing import usecases as landing
from shared.contracts.documents.runs import TestRun
from shared.kernel.errors import Transient
from shared.mongo import leadership
from tests.support.builders import COMMIT, a_target, a_task, a_test_run, a_wave, an_enhancement
from tests.support.stores import a_real_store
from tests.support.trees import FakeTree
from tests.support.validator_deps import a_validator

TARGET = a_target()
# Longer than a busy machine stops a test, shorter than anybody waits.
TTL = 1.0


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(leadership, "LEASE_TTL_SECONDS", TTL)
    monkeypatch.setattr(leadership, "RETRY_SECONDS", 0.02)


@pytest.fixture
async def store(mongo_url):
    async with a_real_store(mongo_url) as made:
        yield made


@pytest.fixture
def make(store, tmp_path):
    """A validator of the home of that name."""
    return lambda home, **given: a_validator(store, tmp_path / home, identity=home, **given)


@pytest.fixture
def one(make):
    return make("one")


@pytest.fixture
def two(make):
    return make("two")


def at(deps, **options):
    return deps.leadership.hold_leadership(TARGET.id, **options)


async def taken_over(deps):
    """Wait until its silence is over; how often it was told to come again."""
    told = 0
    while True:
        try:
            async with at(deps):
                return told
        except Transient:
            told += 1
            await asyncio.sleep(0.02)


async def test_while_one_is_at_it_no_other_is(one, two):
    async with at(one):
        for _ in range(3):
            with pytest.raises(Transient, match="Another process"):
                async with at(two):
                    pass
    async with at(two):
        pass


async def test_who_goes_on_saying_so_is_left_in_place_however_long_it_takes(one, two):
    async with at(one):
        end = asyncio.get_running_loop().time() + 2.5 * TTL
        while asyncio.get_running_loop().time() < end:
            with pytest.raises(Transient):
                async with at(two):
                    pass
            await asyncio.sleep(0.05)
        await one.leadership.still_leading(TARGET.id)


async def test_the_lease_of_a_silent_holder_is_taken_over_and_it_learns_of_it(one, two, store):
    async with at(one):
        pass
    gate = await store.leader_leases.require(TARGET.id)
    assert await store.leader_leases.save(gate.model_copy(update={"holder": "one"})), (
        "it died in there"
    )
    assert await taken_over(two) > 1
    with pytest.raises(Transient, match="leads here now"):
        await one.leadership.still_leading(TARGET.id)


async def test_another_process_of_the_same_home_goes_on_at_once(make, store):
    async with at(make("one")):
        pass
    gate = await store.leader_leases.require(TARGET.id)
    await store.leader_leases.save(gate.model_copy(update={"holder": "one"}))
    async with at(make("one")):
        pass


async def test_two_processes_of_one_home_take_turns(make):
    async with at(make("one")):
        with pytest.raises(Transient):
            async with at(make("one")):
                pass


async def test_who_may_wait_gets_its_turn(one, two):
    order = []

    async def wait():
        async with at(two, wait=True):
            order.append("two")

    async with at(one):
        waiting = asyncio.create_task(wait())
        await asyncio.sleep(0.2)
        order.append("one")
    await asyncio.wait_for(waiting, 30)
    assert order == ["one", "two"]


class WatchedChange:
    """A repository that must not be asked to publish."""

    published = False

    def commit_parent(self, target, head, when):
        return head

    def commit(self, tree, parent, message, when):
        return "d" * 40

    def publish(self, *_):
        self.published = True


class OneTree:
    """A mirror in which every commit has the same files."""

    def tree(self, oid):
        return FakeTree({}, oid)

    def changed_paths(self, *_):
        return ()


async def test_a_process_that_lost_the_lease_moves_no_branch(make, store):
    repository = WatchedChange()
    deps = make("one", repository=lambda target: repository)
    wave = a_wave(target_id=TARGET.id, state="running")
    await store.waves.insert(wave)
    change = an_enhancement(a_task(wave), state="validating", target_id=TARGET.id)
    await store.enhancements.insert(change)
    run: TestRun = a_test_run(wave)
    place = landing.PreparedHead(TARGET, OneTree(), COMMIT, None, None)
    batch = landing.Batch(TARGET, place, [change], {change.id: "e" * 40}, run)
    async with at(deps):
        gate = await store.leader_leases.require(TARGET.id)
        assert await store.leader_leases.save(gate.model_copy(update={"holder": "two"}))
        with pytest.raises(Transient):
            await landing.land(batch, deps)
    assert not repository.published
    assert (await store.leader_leases.require(TARGET.id)).holder == "two"
