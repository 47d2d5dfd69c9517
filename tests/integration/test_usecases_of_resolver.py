"""Leases and proposals on a real store: once, in any order, with messages that may come again."""

import asyncio
from datetime import timedelta

import pytest

from services.resolver import usecases
from services.resolver.domain import leases
from services.resolver.usecases import ResolverDeps, clear_proposal
from shared.contracts.commands import AcquireLease, ExtendLease, ReleaseLease, RenewLease
from shared.contracts.events import (
    EnhancementAdvised,
    EnhancementCleared,
    EnhancementExpired,
    EnhancementRejected,
    LeaseExpired,
    LeaseGranted,
    LeaseReleased,
)
from shared.contracts.states import TASK, EnhancementState, TaskState
from shared.contracts.work import ProposalCleared, ProposalSubmitted
from shared.kernel.errors import NotFound, Transient
from shared.kernel.ids import uuid7
from tests.support.builders import a_task, a_wave, an_enhancement
from tests.support.buses import RecordingBus
from tests.support.readers import FakeReader
from tests.support.stores import Watch, a_real_store

TARGET = uuid7()
OVER = [state for state in TaskState if TASK.terminal(state)]


@pytest.fixture
async def deps(mongo_url):
    async with a_real_store(mongo_url) as store:
        yield ResolverDeps(store=store, bus=RecordingBus(), clock=Watch(), reader=FakeReader())


def asking(task, **fields):
    known = {
        "target_id": task.target_id,
        "wave_id": task.wave_id,
        "task_id": task.id,
        "component": task.component,
        "paths": task.paths,
    }
    return AcquireLease(**{**known, **fields})


async def leased(deps, state="running", **fields):
    """A task that holds its lease."""
    task = a_task(**fields)
    grant = await usecases.acquire(asking(task), deps)
    assert grant.granted
    task = task.model_copy(update={"epoch": grant.epoch, "state": TaskState(state)})
    await deps.store.tasks.insert(task)
    await deps.store.waves.insert(a_wave(id=task.wave_id, target_id=task.target_id))
    deps.bus.published.clear()
    return task


async def proposed(deps, task, **fields):
    change = an_enhancement(task, **fields)
    await deps.store.enhancements.insert(change)
    return change


def submitted(change, epoch=None):
    return ProposalSubmitted(
        enhancement_id=change.id,
        wave_id=change.wave_id,
        target_id=change.target_id,
        epoch=change.proposal.epoch if epoch is None else epoch,
    )


def of_proposals(deps):
    """What was published about proposals."""
    return [each for each in deps.bus.published if not isinstance(each.message, LeaseReleased)]


class TestClearing:
    async def test_a_proposal_inside_its_lease_is_cleared_and_handed_on(self, deps):
        change = await proposed(deps, await leased(deps))
        await clear_proposal(submitted(change), deps)
        stored = await deps.store.enhancements.require(change.id)
        assert (stored.state, stored.changed_at) == (EnhancementState.CLEARED, deps.clock())
        assert [type(each.message) for each in of_proposals(deps)] == [
            EnhancementCleared,
            ProposalCleared,
        ]
        [onward] = deps.bus.of(ProposalCleared)
        assert (onward.enhancement_id, onward.epoch) == (change.id, change.proposal.epoch)
        assert {each.wave for each in of_proposals(deps)} == {change.wave_id}

    async def test_advice_without_a_patch_ends_as_advice_and_never_reaches_the_gate(self, deps):
        task = await leased(deps)
        made = an_enhancement(task)
        advice = made.model_copy(
            update={"proposal": made.proposal.model_copy(update={"patch": None})}
        )
        await deps.store.enhancements.insert(advice)
        for _ in range(2):
            await clear_proposal(submitted(advice), deps)
        stored = await deps.store.enhancements.require(advice.id)
        assert (stored.state, stored.finished_at) == (EnhancementState.ADVISORY, deps.clock())
        assert {type(each.message) for each in of_proposals(deps)} == {EnhancementAdvised}

    async def test_one_file_outside_the_lease_refuses_it_all_and_is_named(self, deps):
        change = await proposed(deps, await leased(deps), files=("m.py", "other.py", "sub/m.py"))
        await clear_proposal(submitted(change), deps)
        stored = await deps.store.enhancements.require(change.id)
        assert stored.state is EnhancementState.REJECTED
        assert stored.finished_at == deps.clock()
        assert stored.decision.reason == "outside-lease: other.py, sub/m.py is not in m"
        [said] = deps.bus.of(EnhancementRejected)
        assert said.reason == stored.decision.reason
        assert len(of_proposals(deps)) == 1

    @pytest.mark.parametrize("how", ["out of time", "released", "given out again", "said wrong"])
    async def test_of_an_epoch_that_is_over_it_expires_without_blame(self, deps, how):
        task = await leased(deps)
        change = await proposed(deps, task)
        epoch = change.proposal.epoch
        if how == "out of time":
            deps.clock.go(seconds=leases.LEASE_TTL.total_seconds())
        elif how == "released":
            release = ReleaseLease(target_id=task.target_id, task_id=task.id)
            await usecases.release(release, deps)
        elif how == "given out again":
            deps.clock.go(minutes=1)
            again = await usecases.acquire(asking(task), deps)
            assert again.epoch > epoch
        else:
            epoch += 1
        await clear_proposal(submitted(change, epoch), deps)
        stored = await deps.store.enhancements.require(change.id)
        assert stored.state is EnhancementState.EXPIRED
        assert stored.decision.reason.startswith("old-epoch: ")
        assert [type(each.message) for each in of_proposals(deps)][-1] is EnhancementExpired
        assert not deps.bus.of(ProposalCleared)

    async def test_a_proposal_of_an_older_epoch_cannot_use_the_present_one(self, deps):
        task = await leased(deps)
        change = await proposed(deps, task, epoch=task.epoch - 1)
        await clear_proposal(submitted(change, task.epoch), deps)
        stored = await deps.store.enhancements.require(change.id)
        assert stored.decision.reason.startswith("old-epoch: ")

    @pytest.mark.parametrize("state", OVER)
    async def test_a_proposal_of_a_task_that_is_over_expires_without_blame(self, deps, state):
        change = await proposed(deps, await leased(deps, state=state))
        await clear_proposal(submitted(change), deps)
        stored = await deps.store.enhancements.require(change.id)
        assert (stored.state, stored.decision.reason) == (
            EnhancementState.EXPIRED,
            f"its task is {state}",
        )
        assert [type(each.message) for each in of_proposals(deps)] == [EnhancementExpired]

    @pytest.mark.parametrize("fate", ["cleared", "rejected", "expired"])
    async def test_delivered_twice_it_publishes_the_same_and_changes_nothing_more(self, deps, fate):
        task = await leased(deps, state="cancelled" if fate == "expired" else "running")
        files = ("out.py",) if fate == "rejected" else ("m.py",)
        change = await proposed(deps, task, files=files)
        await clear_proposal(submitted(change), deps)
        once, published = (
            await deps.store.enhancements.require(change.id),
            [each.identity for each in of_proposals(deps)],
        )
        deps.clock.go(minutes=5)
        await clear_proposal(submitted(change), deps)
        assert once.state == fate
        assert await deps.store.enhancements.require(change.id) == once
        assert [each.identity for each in of_proposals(deps)] == published * 2
        assert of_proposals(deps)[0].message == of_proposals(deps)[len(published)].message

    async def test_delivered_twice_at_once_it_moves_once(self, deps):
        change = await proposed(deps, await leased(deps))
        await asyncio.gather(*(clear_proposal(submitted(change), deps) for _ in range(4)))
        assert (await deps.store.enhancements.require(change.id)).version == 1
        assert len({each.identity for each in of_proposals(deps)}) == 2

    @pytest.mark.parametrize("state", ["validating", "validated", "applied", "rolled_back"])
    async def test_a_late_delivery_leaves_the_gate_alone(self, deps, state):
        change = await proposed(deps, await leased(deps), state=state)
        await clear_proposal(submitted(change), deps)
        assert await deps.store.enhancements.require(change.id) == change
        assert not of_proposals(deps)

    async def test_a_rejection_of_the_gate_is_not_published_again_by_the_resolver(self, deps):
        change = await proposed(deps, await leased(deps), state="rejected", tests=("t::a",))
        await clear_proposal(submitted(change), deps)
        assert not of_proposals(deps)

    async def test_a_proposal_nobody_wrote_down_is_not_found(self, deps):
        with pytest.raises(NotFound):
            await clear_proposal(submitted(an_enhancement()), deps)

    async def test_the_lease_is_given_back_once_no_proposal_of_the_task_is_undecided(self, deps):
        task = await leased(deps)
        first, last = [await proposed(deps, task, key=each) for each in ("a", "b")]
        await clear_proposal(submitted(first), deps)
        assert not deps.bus.of(LeaseReleased)
        for _ in range(2):
            await clear_proposal(submitted(last), deps)
        assert [each.task_id for each in deps.bus.of(LeaseReleased)] == [task.id]
        other = a_task(target_id=task.target_id, wave_id=task.wave_id)
        assert (await usecases.acquire(asking(other), deps)).granted

    async def test_a_late_proposal_of_an_old_epoch_does_not_end_the_present_lease(self, deps):
        task = await leased(deps)
        change = await proposed(deps, task, epoch=task.epoch)
        deps.clock.go(minutes=1)
        assert (await usecases.acquire(asking(task), deps)).epoch > task.epoch
        await clear_proposal(submitted(change), deps)
        assert not deps.bus.of(LeaseReleased)


class TestLeases:
    async def test_of_two_who_ask_at_once_one_gets_it_and_the_other_is_told_who(self, deps):
        wave = a_wave()
        tasks = [a_task(wave, component=each, paths=("/src/",)) for each in ("one", "two")]
        grants = await asyncio.gather(*(usecases.acquire(asking(each), deps) for each in tasks))
        [won] = [each for each, grant in zip(tasks, grants, strict=True) if grant.granted]
        [refused] = [each for each in grants if not each.granted]
        assert won.component in refused.reason
        assert len(deps.bus.of(LeaseGranted)) == 1

    async def test_all_who_do_not_overlap_get_theirs_each_under_its_own_epoch(self, deps):
        wave = a_wave()
        tasks = [a_task(wave, paths=(f"/{n}/",)) for n in range(5)]
        grants = await asyncio.gather(*(usecases.acquire(asking(each), deps) for each in tasks))
        assert sorted(each.epoch for each in grants) == [1, 2, 3, 4, 5]

    async def test_targets_do_not_get_in_each_others_way(self, deps):
        for _ in range(2):
            assert (await usecases.acquire(asking(a_task(a_wave())), deps)).epoch == 1

    async def test_a_lease_requested_twice_is_granted_once_under_one_key(self, deps):
        task = a_task()
        once, twice = [await usecases.acquire(asking(task), deps) for _ in range(2)]
        assert once == twice
        assert len(set(deps.bus.identities())) == 1
        assert (await deps.store.leases.require(task.target_id)).version == 1

    async def test_renewing_keeps_a_lease_that_would_have_run_out(self, deps):
        task = await leased(deps)
        renewal = RenewLease(target_id=task.target_id, task_id=task.id, epoch=task.epoch)
        for _ in range(3):
            deps.clock.go(seconds=leases.LEASE_TTL.total_seconds() * 0.8)
            assert (await usecases.renew(renewal, deps)).granted
        late = renewal.model_copy(update={"epoch": task.epoch - 1})
        assert not (await usecases.renew(late, deps)).granted
        deps.clock.go(minutes=1)
        assert not (await usecases.renew(renewal, deps)).granted

    @pytest.mark.parametrize(("state", "is_kept"), [("assigned", True), ("running", False)])
    async def test_an_agent_that_waits_for_a_slot_keeps_its_lease(self, deps, state, is_kept):
        """One at work renews it by itself; a lease without its heartbeat runs out."""
        task = await leased(deps, state=state)
        for _ in range(3):
            deps.clock.go(seconds=leases.LEASE_TTL.total_seconds() * 0.8)
            await usecases.reconcile(deps)
        held = (await deps.store.leases.require(task.target_id)).held
        assert (task.id in held) is is_kept

    @pytest.mark.parametrize("is_remembered", [True, False])
    async def test_after_a_lost_ledger_no_epoch_is_given_out_twice(self, deps, is_remembered):
        """What carries an epoch of before is still old, and its task gets another one."""
        first, last = [await leased(deps, target_id=TARGET, paths=(f"/{n}",)) for n in "ab"]
        await deps.store.leases.remove(TARGET)
        if not is_remembered:
            deps = ResolverDeps(deps.store, deps.bus, deps.clock, FakeReader())
        renewal = RenewLease(target_id=TARGET, task_id=first.id, epoch=first.epoch)
        assert not (await usecases.renew(renewal, deps)).granted
        change = await proposed(deps, first, epoch=first.epoch)
        again = await usecases.acquire(asking(first), deps)
        assert again.epoch > last.epoch
        await clear_proposal(submitted(change), deps)
        stored = await deps.store.enhancements.require(change.id)
        assert stored.decision.reason.startswith("old-epoch: ")

    async def test_a_lease_is_extended_or_that_is_refused_at_once(self, deps):
        task = await leased(deps)
        other = await leased(deps, target_id=task.target_id, paths=("/o/",))
        more = ExtendLease(
            target_id=task.target_id, task_id=task.id, epoch=task.epoch, paths=("/n/", "/p.py")
        )
        assert (await usecases.extend(more, deps)).epoch == task.epoch
        held = (await deps.store.leases.require(task.target_id)).held[task.id]
        assert held.paths == ("/m.py", "/n/", "/p.py")
        taken = more.model_copy(update={"paths": ("/q.py", "/o/x.py")})
        refused = await usecases.extend(taken, deps)
        assert not refused.granted
        assert other.id in refused.reason
        assert (await deps.store.leases.require(task.target_id)).held[task.id] == held
        late = more.model_copy(update={"epoch": task.epoch + 5, "paths": ("/z/",)})
        assert not (await usecases.extend(late, deps)).granted

    async def test_two_resolvers_that_remember_different_ledgers_grant_nothing_twice(self, deps):
        other = ResolverDeps(deps.store, deps.bus, deps.clock, FakeReader())
        wave = a_wave()
        for n in range(3):
            tasks = [a_task(wave, component=each, paths=(f"/{n}/",)) for each in ("one", "two")]
            grants = await asyncio.gather(
                *(usecases.acquire(asking(t), d) for t, d in zip(tasks, (deps, other), strict=True))
            )
            assert sorted(each.granted for each in grants) == [False, True]
        ledger = await deps.store.leases.require(wave.target_id)
        assert (len(ledger.held), len(ledger.waiting), ledger.epoch) == (3, 3, 3)

    async def test_a_refusal_is_not_made_on_what_is_only_remembered(self, deps):
        other = ResolverDeps(deps.store, deps.bus, deps.clock, FakeReader())
        task = await leased(deps)
        following = a_task(target_id=task.target_id, wave_id=task.wave_id)
        assert not (await usecases.acquire(asking(following), deps)).granted
        request = ReleaseLease(target_id=task.target_id, task_id=task.id)
        await usecases.release(request, other)
        assert (await usecases.acquire(asking(following), deps)).granted

    async def test_a_lease_released_twice_is_published_once(self, deps):
        task = await leased(deps)
        for _ in range(2):
            request = ReleaseLease(target_id=task.target_id, task_id=task.id)
            assert (await usecases.release(request, deps)).done
        [published] = deps.bus.of(LeaseReleased)
        assert published.task_id == task.id

    async def test_releasing_what_was_never_held_is_fine(self, deps):
        request = ReleaseLease(target_id=uuid7(), task_id=uuid7())
        assert (await usecases.release(request, deps)).done
        assert not deps.bus.published

    async def test_a_lease_that_makes_room_for_another_is_published_as_expired(self, deps):
        task = await leased(deps)
        deps.clock.go(minutes=1)
        other = a_task(target_id=task.target_id, wave_id=task.wave_id)
        assert (await usecases.acquire(asking(other), deps)).granted
        await usecases.reconcile(deps)
        assert [each.task_id for each in deps.bus.of(LeaseExpired)] == [task.id]


class TestReconciling:
    async def test_a_lease_nobody_renewed_ends_and_is_published_once(self, deps):
        task = await leased(deps)
        deps.clock.go(minutes=1)
        for _ in range(2):
            await usecases.reconcile(deps)
        assert [each.task_id for each in deps.bus.of(LeaseExpired)] == [task.id]

    async def test_a_task_with_an_undecided_proposal_keeps_its_lease(self, deps):
        task = await leased(deps, state="proposed")
        change = await proposed(deps, task)
        for _ in range(4):
            deps.clock.go(seconds=leases.LEASE_TTL.total_seconds() * 0.8)
            await deps.store.enhancements.set_fields(change.id, changed_at=deps.clock())
            await usecases.reconcile(deps)
        ledger = await deps.store.leases.require(task.target_id)
        assert leases.current(ledger, task.id, task.epoch, now=deps.clock())

    async def test_a_task_keeps_its_lease_however_long_its_agent_waits_for_a_slot(self, deps):
        task = await leased(deps, state="assigned")
        for _ in range(4):
            deps.clock.go(seconds=leases.LEASE_TTL.total_seconds() * 0.8)
            await usecases.reconcile(deps)
        ledger = await deps.store.leases.require(task.target_id)
        assert leases.current(ledger, task.id, task.epoch, now=deps.clock())

    async def test_a_task_in_the_gate_gives_its_lease_back(self, deps):
        task = await leased(deps, state="proposed")
        await proposed(deps, task, state="cleared")
        await usecases.reconcile(deps)
        assert not (await deps.store.leases.require(task.target_id)).held
        assert [each.task_id for each in deps.bus.of(LeaseReleased)] == [task.id]

    async def test_what_ended_before_a_crash_is_published_after_it(self, deps, monkeypatch):
        task = await leased(deps)
        publish = deps.bus.publish

        async def die(*_, **__):
            raise Transient("The bus is gone.")

        monkeypatch.setattr(deps.bus, "publish", die)
        request = ReleaseLease(target_id=task.target_id, task_id=task.id)
        with pytest.raises(Transient):
            await usecases.release(request, deps)
        monkeypatch.setattr(deps.bus, "publish", publish)
        restarted = ResolverDeps(deps.store, deps.bus, deps.clock, FakeReader())
        for _ in range(2):
            await usecases.reconcile(restarted)
        assert [each.task_id for each in deps.bus.of(LeaseReleased)] == [task.id]
        assert not (await deps.store.leases.require(task.target_id)).ended

    @pytest.mark.parametrize("state", OVER)
    async def test_a_task_that_is_over_gives_its_lease_back(self, deps, state):
        task = await leased(deps, state=state)
        await usecases.reconcile(deps)
        assert not (await deps.store.leases.require(task.target_id)).held
        assert [each.task_id for each in deps.bus.of(LeaseReleased)] == [task.id]

    @pytest.mark.parametrize("state", ["assigned", "running"])
    async def test_a_proposal_that_may_not_be_submitted_yet_is_left(self, deps, state):
        change = await proposed(deps, await leased(deps, state=state))
        late = change.changed_at - timedelta(minutes=1)
        await deps.store.enhancements.set_fields(change.id, changed_at=late)
        await usecases.reconcile(deps)
        stored = await deps.store.enhancements.require(change.id)
        assert stored.state is EnhancementState.PROPOSED

    @pytest.mark.parametrize("state", ["waiting", "assigned", "running", "proposed"])
    async def test_one_of_an_ended_epoch_expires_whatever_its_task_is_at(self, deps, state):
        task = await leased(deps, state=state)
        change = await proposed(deps, task, epoch=task.epoch - 1)
        late = change.changed_at - timedelta(minutes=1)
        await deps.store.enhancements.set_fields(change.id, changed_at=late)
        await usecases.reconcile(deps)
        stored = await deps.store.enhancements.require(change.id)
        assert stored.state is EnhancementState.EXPIRED

    async def test_a_proposal_whose_message_was_lost_is_cleared(self, deps):
        change = await proposed(deps, await leased(deps, state="proposed"))
        await usecases.reconcile(deps)
        assert not deps.bus.of(ProposalCleared), "it may still be on its way"
        late = change.changed_at - timedelta(minutes=1)
        await deps.store.enhancements.set_fields(change.id, changed_at=late)
        await usecases.reconcile(deps)
        assert [each.enhancement_id for each in deps.bus.of(ProposalCleared)] == [change.id]
        assert (await deps.store.enhancements.require(change.id)).state is EnhancementState.CLEARED
