"""The store in memory and the one on a MongoDB wire keep the same promises."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from shared.contracts.documents.base import MAX_HISTORY_ENTRIES, MAX_LISTED_TESTS, StateTransition
from shared.contracts.documents.leases import Lease, LeaseLedger
from shared.contracts.states import MACHINES, EnhancementState, TaskState
from shared.kernel.errors import NotFound
from shared.kernel.ids import uuid7
from shared.mongo.collections import Store
from tests.support.builders import NOW, a_target, a_task, a_test_run, a_wave, an_enhancement
from tests.support.memory import a_store
from tests.support.stores import a_real_store

IDS = [f"01900000-0000-7000-8000-00000000000{n}" for n in range(5)]


@pytest.fixture(params=["memory", "wire"])
async def store(request) -> AsyncIterator[Store]:
    if request.param == "memory":
        yield a_store()
        return
    url = request.getfixturevalue("mongo_url")
    async with a_real_store(url) as made:
        yield made


async def test_a_document_comes_back_as_it_went_in(store):
    change = an_enhancement(tests=("t::a",), finished_at=NOW)
    assert await store.enhancements.insert(change)
    assert await store.enhancements.get(change.id) == change
    assert await store.enhancements.get(uuid7()) is None
    with pytest.raises(NotFound):
        await store.enhancements.require(uuid7())


async def test_what_is_there_is_not_inserted_again(store):
    wave = a_wave()
    assert await store.waves.insert_missing([wave, wave, a_wave()]) == 2
    assert not await store.waves.insert(wave.model_copy(update={"tasks": 9}))
    assert (await store.waves.require(wave.id)).tasks == 0


async def test_a_task_is_planned_once_in_a_round_and_proposes_a_key_once_in_an_epoch(store):
    task = a_task()
    assert await store.tasks.insert(task)
    assert not await store.tasks.insert(task.model_copy(update={"id": uuid7()}))
    assert await store.tasks.insert(task.model_copy(update={"id": uuid7(), "attempt": 1}))
    change = an_enhancement(task)
    assert await store.enhancements.insert(change)
    assert not await store.enhancements.insert(change.model_copy(update={"id": uuid7()}))
    assert await store.enhancements.insert(change.updated(id=uuid7(), proposal__epoch=1))


async def test_the_same_place_is_one_target(store):
    target = a_target()
    assert await store.targets.insert(target)
    assert not await store.targets.insert(target.model_copy(update={"id": uuid7()}))
    other = target.model_copy(update={"id": uuid7(), "base_branch": "next"})
    assert await store.targets.insert(other)


async def test_found_are_those_whose_fields_are_equal_or_one_of_a_list(store):
    waves = [a_wave(id=each, tasks=4 - n) for n, each in enumerate(IDS)]
    await store.waves.insert_missing(waves[::-1])
    await store.waves.transition(waves[1], "stop")

    async def found(**asked):
        return [IDS.index(each.id) for each in await store.waves.find(**asked)]

    assert await found() == [0, 1, 2, 3, 4]
    assert await found(sort="-_id", limit=2) == [4, 3]
    assert await found(sort="tasks") == [4, 3, 2, 1, 0]
    assert await found(state="stopped") == [1]
    assert await found(state=["planned", "running"], limit=2) == [0, 2]
    assert await found(id=[IDS[3], IDS[0]]) == [0, 3]
    assert await found(state=[]) == []
    assert await store.waves.count(state="planned") == 4
    assert (await store.waves.first(sort="-_id")).id == IDS[4]
    assert await store.waves.first(state="failed") is None


async def test_listed_are_those_that_are_there_in_the_order_asked_for(store):
    waves = [a_wave(id=each) for each in IDS[:3]]
    await store.waves.insert_missing(waves)
    listed = await store.waves.find_by_ids([IDS[2], IDS[4], IDS[0]])
    assert [each.id for each in listed] == [IDS[2], IDS[0]]
    assert await store.waves.find_by_ids([]) == []


async def test_pages_go_from_the_newest_to_the_oldest_without_gap_or_overlap(store):
    await store.waves.insert_missing([a_wave(id=each) for each in IDS])
    first = await store.waves.page(limit=2)
    assert [each.id for each in first] == [IDS[4], IDS[3]]
    # A document that came between two requests moves no other one to another page.
    await store.waves.insert(a_wave(id=IDS[0][:-1] + "9"))
    second = await store.waves.page(after=first[-1].id, limit=2)
    assert [each.id for each in second] == [IDS[2], IDS[1]]
    assert [each.id for each in await store.waves.page(after=IDS[1], limit=2)] == [IDS[0]]
    assert await store.waves.page(after=IDS[0], limit=2) == []


async def test_pages_have_only_what_matches(store):
    waves = [a_wave(id=each) for each in IDS]
    await store.waves.insert_missing(waves)
    await store.waves.transition(waves[2], "stop")
    found = await store.waves.page(after=IDS[4], limit=9, state="planned")
    assert [each.id for each in found] == [IDS[3], IDS[1], IDS[0]]


async def test_documents_are_found_by_the_end_of_their_id_and_stay_so_when_they_change(store):
    waves = [a_wave(id=each) for each in IDS]
    await store.waves.insert_missing(waves)
    await store.waves.transition(waves[3], "stop")
    await store.waves.save(waves[4].model_copy(update={"tasks": 7}))

    async def found(suffix, limit=9):
        return sorted(each.id for each in await store.waves.find_by_id_suffix(suffix, limit=limit))

    assert await found("00003") == [IDS[3]]
    assert await found("000000000004") == [IDS[4]]
    assert await found(IDS[1]) == [IDS[1]]
    assert await found("-7000-8000-000000000002") == [IDS[2]]
    assert await found("fffff") == []
    assert len(await found("", limit=3)) == 3
    assert await found(IDS[0][:12]) == []


async def test_values_are_those_of_one_field_of_what_would_be_found(store):
    waves = [a_wave(tasks=n) for n in range(3)]
    await store.waves.insert_missing(waves)
    await store.waves.transition(waves[1], "stop")
    assert sorted(await store.waves.field_values("tasks", state="planned")) == [0, 2]
    assert await store.waves.field_values("tasks", state="failed") == []


async def test_what_is_remembered_is_read_again_once_it_has_changed(store):
    first, second = (a_wave(id=each) for each in IDS[:2])
    await store.waves.insert_missing([second, first])
    known = {}
    assert await store.waves.find_remembered(known) == [first, second]
    known[first.id] = first.model_copy(update={"tasks": 9})
    moved = await store.waves.transition(second, "run", tasks=3)
    found = await store.waves.find_remembered(known, state=["planned", "running"])
    assert [each.tasks for each in found] == [9, 3], "only what has another version is read"
    assert found[1] == moved
    assert await store.waves.find_remembered(known, state="running") == [moved]


async def test_whether_any_is_there_is_told(store):
    await store.waves.insert(a_wave(id=IDS[0], tasks=3))
    assert await store.waves.exists(tasks=3, state=["planned", "running"])
    assert not await store.waves.exists(tasks=3, state="running")


async def test_what_is_recent_is_found_by_its_time_and_what_has_none_is_not(store):
    moments = [NOW, NOW + timedelta(minutes=1), None]
    waves = [a_wave(finished_at=each) for each in moments]
    await store.waves.insert_missing(waves)
    found = await store.waves.find_since("finished_at", NOW + timedelta(minutes=1))
    assert [each.id for each in found] == [waves[1].id]
    assert len(await store.waves.find_since("finished_at", NOW)) == 2


async def test_a_range_has_its_start_and_not_its_end_nor_what_has_no_value(store):
    minute = timedelta(minutes=1)
    waves = [a_wave(id=each, finished_at=NOW + n * minute) for n, each in enumerate(IDS[:4])]
    await store.waves.insert_missing([*waves[::-1], a_wave(id=IDS[4])])
    await store.waves.transition(waves[2], "stop")

    async def found(start, end, **asked):
        between = await store.waves.find_between("finished_at", start, end, **asked)
        return [IDS.index(each.id) for each in between]

    assert await found(NOW + minute, NOW + 3 * minute) == [1, 2]
    assert await found(None, NOW + 2 * minute) == [0, 1]
    assert await found(NOW + 2 * minute, None) == [2, 3]
    assert await found(None, None) == [0, 1, 2, 3]
    assert await found(NOW, None, sort="-finished_at", limit=3) == [3, 2, 1]
    assert await found(NOW, None, limit=2) == [0, 1]
    assert await found(NOW, None, state="planned") == [0, 1, 3]


async def test_a_range_is_of_a_nested_field_too(store):
    changes = [an_enhancement().updated(id=each, proposal__epoch=n) for n, each in enumerate(IDS)]
    await store.enhancements.insert_missing(changes)
    found = await store.enhancements.find_between("proposal__epoch", 1, 3)
    assert [each.id for each in found] == IDS[1:3]


async def test_a_view_reads_only_what_matches(store):
    ours, theirs = uuid7(), uuid7()
    waves = [
        a_wave(id=each, target_id=target, finished_at=NOW)
        for each, target in zip(IDS, (ours, theirs, ours, theirs, ours), strict=True)
    ]
    await store.waves.insert_missing(waves)
    view = store.waves.within(target_id=[ours])
    own = [IDS[0], IDS[2], IDS[4]]
    assert [each.id for each in await view.find()] == own
    assert [each.id for each in await view.find(target_id=theirs)] == []
    assert [each.id for each in await view.find_by_ids(IDS)] == own
    assert [each.id for each in await view.page(limit=9, after=IDS[4])] == own[1::-1]
    assert [each.id for each in await view.find_since("finished_at", NOW)] == own
    assert [each.id for each in await view.find_between("finished_at", NOW, None)] == own
    assert [each.id for each in await view.find_remembered({})] == own
    assert await view.find_by_id_suffix(IDS[1], limit=9) == []
    assert await view.field_values("target_id") == [ours] * 3
    assert (await view.get(IDS[0]), await view.get(IDS[1])) == (waves[0], None)
    assert await view.first(id=IDS[1]) is None
    assert not await view.exists(id=IDS[1])
    assert await view.count() == 3
    with pytest.raises(NotFound):
        await view.require(IDS[1])
    assert [each.id for each in await view.within(id=[IDS[0], IDS[1]]).find()] == [IDS[0]]
    assert await store.waves.count() == 5, "a view leaves the whole as it is"


async def test_a_view_writes_only_what_matches(store):
    mine, other = a_wave(), a_wave()
    view = store.waves.within(target_id=[mine.target_id])
    assert await view.insert(mine)
    assert not await view.insert(other)
    assert await view.insert_missing([other, a_wave(target_id=mine.target_id)]) == 1
    await store.waves.insert(other)
    assert await view.save(other) is None
    assert await view.save(mine.model_copy(update={"target_id": other.target_id})) is None
    assert not await view.save_entries(other.id, 0, {"tasks": 9})
    assert not await view.set_fields(other.id, tasks=9)
    assert await view.transition(other, "stop") is None
    assert not await view.remove(other.id)
    assert await store.waves.require(other.id) == other
    assert await view.transition(mine, "run") is not None
    assert await view.set_fields(mine.id, tasks=9)
    assert await view.remove(mine.id)


async def test_a_transition_sets_its_fields_and_raises_the_version(store):
    task = a_task()
    await store.tasks.insert(task)
    moved = await store.tasks.transition(task, "assign", epoch=7)
    assert (moved.state, moved.epoch, moved.version) == (TaskState.ASSIGNED, 7, 1)
    assert await store.tasks.require(task.id) == moved


async def test_a_transition_that_is_late_or_not_in_the_table_changes_nothing(store):
    task = a_task()
    await store.tasks.insert(task)
    assert await store.tasks.transition(task, "finish") is None
    moved = await store.tasks.transition(task, "assign")
    assert await store.tasks.transition(task, "assign", epoch=9) is None
    assert await store.tasks.transition(task, "cancel", epoch=9) is None
    assert await store.tasks.require(task.id) == moved


async def test_of_many_that_move_the_same_document_one_does(store):
    change = an_enhancement()
    await store.enhancements.insert(change)
    triggers = ["clear", "reject", "expire"] * 3
    moved = await asyncio.gather(
        *(store.enhancements.transition(change, each) for each in triggers)
    )
    assert len([each for each in moved if each]) == 1


async def test_transition_all_gives_those_that_moved(store):
    changes = [an_enhancement(state=each) for each in ("cleared", "applied", "cleared")]
    await store.enhancements.insert_missing(changes)
    moved = await store.enhancements.transition_all(changes, "validate")
    assert [each.id for each in moved] == [changes[0].id, changes[2].id]
    assert await store.enhancements.count(state=EnhancementState.VALIDATING) == 2


async def test_of_those_that_another_process_moved_transition_all_gives_none(store):
    changes = [an_enhancement(state="cleared") for _ in range(3)]
    await store.enhancements.insert_missing(changes)
    for trigger, each in zip(("validate", "expire"), changes, strict=False):
        assert await store.enhancements.transition(each, trigger, changed_at=NOW)
    later = NOW + timedelta(seconds=1)
    moved = await store.enhancements.transition_all(changes, "validate", changed_at=later)
    assert [each.id for each in moved] == [changes[2].id]
    assert await store.enhancements.find(id=[changes[2].id]) == moved
    assert await store.enhancements.transition_all([], "validate") == []


async def test_documents_are_counted_by_what_several_fields_say(store):
    kinds = [("a", "applied"), ("a", "applied"), ("b", "applied"), ("b", "rejected")]
    changes = [an_enhancement(rule=rule, state=state) for rule, state in kinds]
    await store.enhancements.insert_missing([*changes, an_enhancement(rule="a", state="cleared")])
    states = [EnhancementState.APPLIED, EnhancementState.REJECTED]
    fields = ("proposal__fix__rule", "state")
    counts = await store.enhancements.count_by(fields, state=states)
    assert counts == {("a", "applied"): 2, ("b", "applied"): 1, ("b", "rejected"): 1}
    assert await store.enhancements.count_by(fields, proposal__fix__rule=["c"]) == {}


async def test_a_field_of_several_documents_is_set_to_the_value_of_each(store):
    tasks = [a_task(state="running") for _ in range(3)]
    await store.tasks.insert_missing(tasks)
    values = {tasks[0].id: "a", tasks[2].id: "c", uuid7(): "nobody"}
    await store.tasks.set_field_of_each("note", values)
    await store.tasks.set_field_of_each("note", {})
    assert [each.note for each in await store.tasks.find_by_ids([e.id for e in tasks])] == [
        "a",
        "",
        "c",
    ]


async def test_a_patch_does_not_disturb_a_transition(store):
    task = a_task(state="running")
    await store.tasks.insert(task)
    assert await store.tasks.set_fields(task.id, note="n")
    assert not await store.tasks.set_fields(uuid7(), note="n")
    assert await store.tasks.transition(task, "propose", enhancements=2)
    stored = await store.tasks.require(task.id)
    assert (stored.note, stored.enhancements, stored.state) == ("n", 2, TaskState.PROPOSED)


async def test_an_empty_tuple_is_found_where_it_is_one_of_a_list(store):
    wave = a_wave()
    full, part = a_test_run(wave), a_test_run(wave, tests=("t",))
    await store.runs.insert_missing([full, part])
    assert await store.runs.find(request__tests=[()]) == [full]


async def test_what_was_removed_is_gone(store):
    one, two = a_target(), a_target(location="/elsewhere")
    await store.targets.insert_missing([one, two])
    assert await store.targets.remove(one.id)
    assert not await store.targets.remove(one.id)
    assert await store.targets.find() == [two]


async def test_a_ledger_is_replaced_only_as_it_was_read(store):
    ledger = LeaseLedger(id=uuid7())
    await store.leases.insert(ledger)
    saved = await store.leases.save(ledger.model_copy(update={"epoch": 1}))
    assert (saved.version, saved.epoch) == (1, 1)
    assert await store.leases.save(ledger.model_copy(update={"epoch": 2})) is None
    assert await store.leases.save(LeaseLedger(id=uuid7())) is None
    assert await store.leases.require(ledger.id) == saved


@pytest.mark.parametrize("machine", [each for each in MACHINES if each.name in {"wave", "agent"}])
def test_the_machines_of_both_are_the_same(machine):
    assert getattr(a_store(), f"{machine.name}s").machine is machine


async def test_a_change_remembers_every_state_it_came_into(store):
    change = an_enhancement()
    await store.enhancements.insert(change)
    late = NOW + timedelta(seconds=1)
    cleared = await store.enhancements.transition(change, "clear", changed_at=NOW)
    assert await store.enhancements.transition(change, "clear", changed_at=late) is None
    rejected = await store.enhancements.transition(
        cleared, "reject", changed_at=late, decision__reason="worse", decision__tests=("t::a",)
    )
    stored = await store.enhancements.require(change.id)
    assert stored == rejected
    assert stored.history == (
        StateTransition(state="cleared", at=NOW),
        StateTransition(state="rejected", at=late, why="worse", tests=("t::a",)),
    )


async def test_a_change_that_goes_in_circles_does_not_grow_for_ever(store):
    change = an_enhancement(state="cleared")
    await store.enhancements.insert(change)
    for _ in range(MAX_HISTORY_ENTRIES):
        for trigger in ("validate", "requeue"):
            change = await store.enhancements.transition(
                change,
                trigger,
                changed_at=NOW,
                decision__suspected=tuple(f"t::{n}" for n in range(99)),
            )
    assert len(change.history) == MAX_HISTORY_ENTRIES
    assert len(change.history[0].tests) == MAX_LISTED_TESTS


async def test_what_keeps_no_history_moves_without_one(store):
    task = a_task()
    await store.tasks.insert(task)
    moved = await store.tasks.transition(task, "cancel", changed_at=NOW)
    assert moved == await store.tasks.require(task.id)


async def test_entries_are_set_and_removed_by_compare_and_swap(store):
    ledger = LeaseLedger(id=uuid7())
    await store.leases.insert(ledger)
    lease = Lease(
        task_id=uuid7(),
        wave_id=uuid7(),
        component="c",
        paths=("/a/",),
        epoch=1,
        expires_at=NOW,
    )
    entries = {f"held__{lease.task_id}": lease, "ended__7": lease, "epoch": 1}
    assert await store.leases.save_entries(ledger.id, 0, entries)
    first = await store.leases.require(ledger.id)
    assert (first.held, first.ended) == ({lease.task_id: lease}, {"7": lease})
    assert (first.version, first.epoch) == (1, 1)
    gone = {f"held__{lease.task_id}": None, "ended__7": None, "waiting__nobody": None}
    assert not await store.leases.save_entries(ledger.id, 0, gone), "the version is old"
    assert await store.leases.save_entries(ledger.id, 1, gone)
    last = await store.leases.require(ledger.id)
    assert (last.held, last.ended, last.waiting) == ({}, {}, {})
    assert (last.version, last.epoch) == (2, 1)
    assert not await store.leases.save_entries(uuid7(), 0, entries)
