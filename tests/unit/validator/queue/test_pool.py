"""Which changes the gate may try now, and how they go in and out of it."""

from datetime import timedelta

import pytest

from services.validator.queue import pool
from shared.contracts.documents.enhancements import Approval
from shared.contracts.documents.storage import Patch
from shared.contracts.events import EnhancementExpired
from shared.contracts.states import EnhancementState, TaskState, WaveState
from tests.support.builders import COMMIT, NOW, SHA, a_target, a_task, a_wave, an_enhancement
from tests.support.memory import a_store
from tests.support.validator_deps import a_validator

TARGET = a_target()
APPROVAL = Approval(by="ann", reason="fine", patch=SHA, base=COMMIT, at=NOW)


@pytest.fixture
def deps(tmp_path):
    return a_validator(a_store(), tmp_path)


async def a_stored_wave(deps, **fields):
    wave = a_wave(target_id=TARGET.id, **{"state": "running", **fields})
    await deps.store.waves.insert(wave)
    return wave


async def a_stored_task(deps, wave, state="proposed"):
    """A task on a component of its own."""
    task = a_task(wave, component=f"c{await deps.store.tasks.count()}", state=state)
    assert await deps.store.tasks.insert(task)
    return task


async def a_stored_change(deps, wave, **fields):
    task = await a_stored_task(deps, wave)
    change = an_enhancement(task, **{"state": "cleared", **fields})
    assert await deps.store.enhancements.insert(change)
    return change


async def ready(deps):
    return [each.id for each in await pool.ready_changes(TARGET, deps)]


class TestTargets:
    @pytest.mark.parametrize("state", EnhancementState)
    async def test_a_target_counts_while_a_change_of_it_is_in_the_gate(self, deps, state):
        await a_stored_change(deps, await a_stored_wave(deps), state=state)
        in_gate = state in {"cleared", "validating", "validated"}
        assert await pool.targets_with_changes(deps) == ((TARGET.id,) if in_gate else ())

    async def test_each_target_is_named_once(self, deps):
        wave = await a_stored_wave(deps)
        await a_stored_change(deps, wave)
        await a_stored_change(deps, wave)
        assert await pool.targets_with_changes(deps) == (TARGET.id,)


class TestReady:
    async def test_changes_in_the_gate_are_ready_once_their_wave_proposes_no_more(self, deps):
        wave = await a_stored_wave(deps)
        changes = [
            await a_stored_change(deps, wave),
            await a_stored_change(deps, wave, state="validating"),
        ]
        assert set(await ready(deps)) == {each.id for each in changes}

    @pytest.mark.parametrize("state", [TaskState.ASSIGNED, TaskState.RUNNING])
    async def test_they_wait_for_a_task_at_work_but_not_for_ever(self, deps, state):
        wave = await a_stored_wave(deps)
        change = await a_stored_change(deps, wave)
        await a_stored_task(deps, wave, state)
        assert await ready(deps) == []
        deps.clock.go(seconds=pool.MAX_WAIT_FOR_WAVE.total_seconds())
        assert await ready(deps) == []
        deps.clock.go(seconds=1)
        assert await ready(deps) == [change.id]

    async def test_they_wait_for_a_proposal_that_is_not_cleared_yet(self, deps):
        wave = await a_stored_wave(deps)
        await a_stored_change(deps, wave)
        await a_stored_change(deps, wave, state="proposed")
        assert await ready(deps) == []

    async def test_the_oldest_change_of_the_wave_ends_the_wait(self, deps):
        wave = await a_stored_wave(deps)
        await a_stored_task(deps, wave, "running")
        old = NOW - pool.MAX_WAIT_FOR_WAVE - timedelta(seconds=1)
        changes = [
            await a_stored_change(deps, wave, changed_at=old),
            await a_stored_change(deps, wave),
        ]
        assert set(await ready(deps)) == {each.id for each in changes}

    async def test_patches_of_one_task_keep_their_order(self, deps):
        wave = await a_stored_wave(deps)
        task = await a_stored_task(deps, wave)
        made = [
            an_enhancement(task, key=f"k{order}", order=order, state="cleared")
            for order in (2, 0, 1)
        ]
        await deps.store.enhancements.insert_missing(made)
        found = await pool.ready_changes(TARGET, deps)
        assert [each.proposal.order for each in found] == [0, 1, 2]

    async def test_a_dry_run_is_never_tried(self, deps):
        await a_stored_change(deps, await a_stored_wave(deps, dry_run=True))
        assert await ready(deps) == []

    async def test_changes_of_another_target_are_not_ready_on_this_one(self, deps):
        other = await a_stored_wave(deps)
        await a_stored_change(deps, other, target_id=a_target().id)
        assert await ready(deps) == []

    @pytest.mark.parametrize("state", [WaveState.STOPPED, WaveState.FAILED, WaveState.COMPLETED])
    async def test_changes_of_an_ended_wave_expire_unless_approved(self, deps, state):
        wave = await a_stored_wave(deps, state=state)
        lost = await a_stored_change(deps, wave)
        approved = await a_stored_change(deps, wave, approval=APPROVAL)
        assert await ready(deps) == [approved.id]
        stored = await deps.store.enhancements.require(lost.id)
        assert stored.state == "expired"
        assert stored.decision.reason == f"its wave was {state} before it was tried"
        [event] = deps.bus.of(EnhancementExpired)
        assert event.enhancement_id == lost.id

    async def test_waves_are_tried_one_at_a_time(self, deps):
        first, second = await a_stored_wave(deps), await a_stored_wave(deps)
        change = await a_stored_change(deps, first)
        await a_stored_change(deps, second)
        assert await ready(deps) == [change.id]


class TestInAndOut:
    async def test_validation_begins_once_and_goes_on_after_a_crash(self, deps):
        wave = await a_stored_wave(deps)
        fresh = await a_stored_change(deps, wave)
        resumed = await a_stored_change(deps, wave, state="validating")
        taken = await pool.begin_validation([fresh, resumed], deps)
        assert [(each.id, each.state) for each in taken] == [
            (fresh.id, "validating"),
            (resumed.id, "validating"),
        ]

    async def test_a_change_that_moved_meanwhile_is_not_taken(self, deps):
        change = await a_stored_change(deps, await a_stored_wave(deps))
        await deps.store.enhancements.transition(change, "expire")
        assert await pool.begin_validation([change], deps) == []

    async def test_a_returned_change_remembers_how_often_and_what_it_is_suspected_of(self, deps):
        wave = await a_stored_wave(deps)
        one = await a_stored_change(deps, wave, state="validating", returned=1)
        other = await a_stored_change(deps, wave, state="validating", suspected=("t::old",))
        await pool.return_to_queue([one, other], deps, suspected={one.id: ["t::a", "t::b"]})
        found = [await deps.store.enhancements.require(each.id) for each in (one, other)]
        assert [each.state for each in found] == ["cleared", "cleared"]
        assert [each.decision.returned for each in found] == [2, 1]
        assert [each.decision.suspected for each in found] == [("t::a", "t::b"), ()]

    async def test_patches_are_loaded_by_change_even_where_two_are_the_same(self, deps):
        wave = await a_stored_wave(deps)
        changes = [
            await a_stored_change(deps, wave, patch=digest * 64) for digest in ("a", "b", "a")
        ]
        for digest in ("a", "b"):
            patch = Patch(id=digest * 64, text=f"patch {digest}", created_at=NOW)
            await deps.store.patches.insert(patch)
        assert await pool.load_patches(changes, deps) == {
            changes[0].id: "patch a",
            changes[1].id: "patch b",
            changes[2].id: "patch a",
        }
