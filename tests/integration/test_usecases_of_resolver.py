"""Leases and proposals on a real store: once, in any order, with messages that may come again."""

import asyncio
from datetime import timedelta

import pytest

from services.resolver import usecases
from services.resolver.domain import leases
from services.resolver.usecases import Desk, clear_proposal
from shared.contracts.commands import AcquireLease, ReleaseLease, RenewLease
from shared.contracts.events import (
    EnhancementCleared,
    EnhancementExpired,
    EnhancementRejected,
    LeaseExpired,
    LeaseGranted,
    LeaseReleased,
)
from shared.contracts.states import TASK, EnhancementState, TaskState
from shared.contracts.work import ProposalCleared, ProposalSubmitted
from shared.kernel.errors import NotFound
from shared.kernel.ids import uuid7
from tests.support.builders import a_task, a_wave, an_enhancement
from tests.support.buses import RecordingBus
from tests.support.stores import Watch, a_real_store

OVER = [state for state in TaskState if TASK.terminal(state)]


@pytest.fixture
async def desk(mongo_url):
    async with a_real_store(mongo_url) as store:
        yield Desk(store=store, bus=RecordingBus(), clock=Watch())


def asking(task, **fields):
    known = {
        "target_id": task.target_id,
        "wave_id": task.wave_id,
        "task_id": task.id,
        "component": task.component,
        "paths": task.paths,
    }
    return AcquireLease(**{**known, **fields})


async def leased(desk, state="running", **fields):
    """A task that holds its lease."""
    task = a_task(**fields)
    grant = await usecases.acquire(asking(task), desk)
    assert grant.granted
    task = task.model_copy(update={"epoch": grant.epoch, "state": TaskState(state)})
    await desk.store.tasks.insert(task)
    desk.bus.said.clear()
    return task


async def proposed(desk, task, **fields):
    change = an_enhancement(task, **fields)
    await desk.store.enhancements.insert(change)
    return change


def submitted(change, epoch=None):
    return ProposalSubmitted(
        enhancement_id=change.id,
        wave_id=change.wave_id,
        target_id=change.target_id,
        epoch=change.epoch if epoch is None else epoch,
    )


class TestClearing:
    async def test_a_proposal_inside_its_lease_is_cleared_and_handed_on(self, desk):
        change = await proposed(desk, await leased(desk))
        await clear_proposal(submitted(change), desk)
        stored = await desk.store.enhancements.need(change.id)
        assert (stored.state, stored.changed_at) == (EnhancementState.CLEARED, desk.clock())
        assert [type(each.message) for each in desk.bus.said] == [
            EnhancementCleared,
            ProposalCleared,
        ]
        [onward] = desk.bus.of(ProposalCleared)
        assert (onward.enhancement_id, onward.epoch) == (change.id, change.epoch)
        assert {each.wave for each in desk.bus.said} == {change.wave_id}

    async def test_one_file_outside_the_lease_refuses_it_all_and_is_named(self, desk):
        change = await proposed(desk, await leased(desk), files=("m.py", "other.py", "sub/m.py"))
        await clear_proposal(submitted(change), desk)
        stored = await desk.store.enhancements.need(change.id)
        assert stored.state is EnhancementState.REJECTED
        assert stored.finished_at == desk.clock()
        assert stored.reason == "outside-lease: other.py, sub/m.py is not in m"
        [said] = desk.bus.of(EnhancementRejected)
        assert said.reason == stored.reason
        assert len(desk.bus.said) == 1

    @pytest.mark.parametrize("how", ["out of time", "released", "given out again", "said wrong"])
    async def test_an_epoch_that_is_over_refuses_it(self, desk, how):
        task = await leased(desk)
        change = await proposed(desk, task)
        epoch = change.epoch
        if how == "out of time":
            desk.clock.go(seconds=leases.TIME_TO_LIVE.total_seconds())
        elif how == "released":
            release = ReleaseLease(target_id=task.target_id, task_id=task.id)
            await usecases.release(release, desk)
        elif how == "given out again":
            desk.clock.go(minutes=1)
            again = await usecases.acquire(asking(task), desk)
            assert again.epoch > epoch
        else:
            epoch += 1
        await clear_proposal(submitted(change, epoch), desk)
        stored = await desk.store.enhancements.need(change.id)
        assert stored.state is EnhancementState.REJECTED
        assert stored.reason.startswith("old-epoch: ")
        assert not desk.bus.of(ProposalCleared)

    async def test_a_proposal_of_an_older_epoch_cannot_use_the_present_one(self, desk):
        task = await leased(desk)
        change = await proposed(desk, task, epoch=task.epoch - 1)
        await clear_proposal(submitted(change, task.epoch), desk)
        stored = await desk.store.enhancements.need(change.id)
        assert stored.reason.startswith("old-epoch: ")

    @pytest.mark.parametrize("state", OVER)
    async def test_a_proposal_of_a_task_that_is_over_expires_without_blame(self, desk, state):
        change = await proposed(desk, await leased(desk, state=state))
        await clear_proposal(submitted(change), desk)
        stored = await desk.store.enhancements.need(change.id)
        assert (stored.state, stored.reason) == (EnhancementState.EXPIRED, f"its task is {state}")
        assert [type(each.message) for each in desk.bus.said] == [EnhancementExpired]

    @pytest.mark.parametrize("fate", ["cleared", "rejected", "expired"])
    async def test_delivered_twice_it_says_the_same_and_changes_nothing_more(self, desk, fate):
        task = await leased(desk, state="cancelled" if fate == "expired" else "running")
        files = ("out.py",) if fate == "rejected" else ("m.py",)
        change = await proposed(desk, task, files=files)
        await clear_proposal(submitted(change), desk)
        once, said = await desk.store.enhancements.need(change.id), desk.bus.identities()
        desk.clock.go(minutes=5)
        await clear_proposal(submitted(change), desk)
        assert once.state == fate
        assert await desk.store.enhancements.need(change.id) == once
        assert desk.bus.identities() == said * 2
        assert desk.bus.said[0].message == desk.bus.said[len(said)].message

    async def test_delivered_twice_at_once_it_moves_once(self, desk):
        change = await proposed(desk, await leased(desk))
        await asyncio.gather(*(clear_proposal(submitted(change), desk) for _ in range(4)))
        assert (await desk.store.enhancements.need(change.id)).version == 1
        assert len(set(desk.bus.identities())) == 2

    @pytest.mark.parametrize("state", ["validating", "validated", "applied", "rolled_back"])
    async def test_a_late_delivery_leaves_the_gate_alone(self, desk, state):
        change = await proposed(desk, await leased(desk), state=state)
        await clear_proposal(submitted(change), desk)
        assert await desk.store.enhancements.need(change.id) == change
        assert not desk.bus.said

    async def test_a_refusal_of_the_gate_is_not_said_again_in_our_words(self, desk):
        change = await proposed(desk, await leased(desk), state="rejected", tests=("t::a",))
        await clear_proposal(submitted(change), desk)
        assert not desk.bus.said

    async def test_a_proposal_nobody_wrote_down_is_not_found(self, desk):
        with pytest.raises(NotFound):
            await clear_proposal(submitted(an_enhancement()), desk)


class TestLeases:
    async def test_of_two_who_ask_at_once_one_gets_it_and_the_other_is_told_who(self, desk):
        wave = a_wave()
        tasks = [a_task(wave, component=each, paths=("/src/",)) for each in ("one", "two")]
        grants = await asyncio.gather(*(usecases.acquire(asking(each), desk) for each in tasks))
        [won] = [each for each, grant in zip(tasks, grants, strict=True) if grant.granted]
        [refused] = [each for each in grants if not each.granted]
        assert won.component in refused.reason
        assert len(desk.bus.of(LeaseGranted)) == 1

    async def test_all_who_do_not_overlap_get_theirs_each_under_its_own_epoch(self, desk):
        wave = a_wave()
        tasks = [a_task(wave, paths=(f"/{n}/",)) for n in range(5)]
        grants = await asyncio.gather(*(usecases.acquire(asking(each), desk) for each in tasks))
        assert sorted(each.epoch for each in grants) == [1, 2, 3, 4, 5]

    async def test_targets_do_not_get_in_each_others_way(self, desk):
        for _ in range(2):
            assert (await usecases.acquire(asking(a_task(a_wave())), desk)).epoch == 1

    async def test_asking_twice_is_one_lease_said_under_one_key(self, desk):
        task = a_task()
        once, twice = [await usecases.acquire(asking(task), desk) for _ in range(2)]
        assert once == twice
        assert len(set(desk.bus.identities())) == 1
        assert (await desk.store.leases.need(task.target_id)).version == 1

    async def test_renewing_keeps_a_lease_that_would_have_run_out(self, desk):
        task = await leased(desk)
        renewal = RenewLease(target_id=task.target_id, task_id=task.id, epoch=task.epoch)
        for _ in range(3):
            desk.clock.go(seconds=leases.TIME_TO_LIVE.total_seconds() * 0.8)
            assert (await usecases.renew(renewal, desk)).granted
        late = renewal.model_copy(update={"epoch": task.epoch - 1})
        assert not (await usecases.renew(late, desk)).granted
        desk.clock.go(minutes=1)
        assert not (await usecases.renew(renewal, desk)).granted

    async def test_releasing_twice_is_said_once(self, desk):
        task = await leased(desk)
        for _ in range(2):
            request = ReleaseLease(target_id=task.target_id, task_id=task.id)
            assert (await usecases.release(request, desk)).done
        [said] = desk.bus.of(LeaseReleased)
        assert said.task_id == task.id

    async def test_releasing_what_was_never_held_is_fine(self, desk):
        request = ReleaseLease(target_id=uuid7(), task_id=uuid7())
        assert (await usecases.release(request, desk)).done
        assert not desk.bus.said

    async def test_a_lease_that_makes_room_for_another_is_said_to_be_over(self, desk):
        task = await leased(desk)
        desk.clock.go(minutes=1)
        other = a_task(target_id=task.target_id, wave_id=task.wave_id)
        assert (await usecases.acquire(asking(other), desk)).granted
        await usecases.reconcile(desk)
        assert [each.task_id for each in desk.bus.of(LeaseExpired)] == [task.id]


class TestReconciling:
    async def test_a_lease_nobody_renewed_is_ended_and_said_once(self, desk):
        task = await leased(desk)
        desk.clock.go(minutes=1)
        for _ in range(2):
            await usecases.reconcile(desk)
        assert [each.task_id for each in desk.bus.of(LeaseExpired)] == [task.id]

    async def test_a_task_in_the_gate_keeps_its_lease(self, desk):
        task = await leased(desk, state="proposed")
        for _ in range(4):
            desk.clock.go(seconds=leases.TIME_TO_LIVE.total_seconds() * 0.8)
            await usecases.reconcile(desk)
        ledger = await desk.store.leases.need(task.target_id)
        assert leases.current(ledger, task.id, task.epoch, now=desk.clock())

    @pytest.mark.parametrize("state", OVER)
    async def test_a_task_that_is_over_gives_its_lease_back(self, desk, state):
        task = await leased(desk, state=state)
        await usecases.reconcile(desk)
        ledger = await desk.store.leases.need(task.target_id)
        assert not leases.holders(ledger, now=desk.clock())
        assert [each.task_id for each in desk.bus.of(LeaseReleased)] == [task.id]

    async def test_a_proposal_whose_message_was_lost_is_cleared(self, desk):
        change = await proposed(desk, await leased(desk, state="proposed"))
        await usecases.reconcile(desk)
        assert not desk.bus.of(ProposalCleared), "it may still be on its way"
        late = change.changed_at - timedelta(minutes=1)
        await desk.store.enhancements.patch(change.id, changed_at=late)
        await usecases.reconcile(desk)
        assert [each.enhancement_id for each in desk.bus.of(ProposalCleared)] == [change.id]
        assert (await desk.store.enhancements.need(change.id)).state is EnhancementState.CLEARED
