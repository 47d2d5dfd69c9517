"""Overlapping proposals on a real store: found and settled once, in any order, after crashes."""

import asyncio
from contextlib import suppress
from itertools import permutations

import pytest

from services.resolver import conflicts, usecases
from services.resolver.conflicts import place
from services.resolver.usecases import ResolverDeps, settle_conflicts
from shared.contracts.documents.conflicts import ConflictKind, ConflictOutcome, ConflictStrategy
from shared.contracts.events import (
    ConflictResolved,
    EnhancementCleared,
    EnhancementExpired,
    EnhancementSuperseded,
)
from shared.contracts.work import ProposalCleared
from shared.mongo.repository import Repository, StateRepository
from tests.support.builders import COMMIT, NOW
from tests.support.buses import RecordingBus
from tests.support.overlapping import TEXT, Overlapping, edited
from tests.support.readers import FakeReader
from tests.support.stores import Watch, a_real_store


@pytest.fixture
async def deps(mongo_url):
    async with a_real_store(mongo_url) as store:
        reader = FakeReader({COMMIT: {"m.py": TEXT.encode()}})
        yield ResolverDeps(store=store, bus=RecordingBus(), clock=Watch(), reader=reader)


@pytest.fixture
def made(deps):
    return Overlapping(deps.store)


@pytest.fixture
async def two(made):
    """Tasks of two agent types in one wave."""
    wave = await made.wave()
    return [await made.task(wave, agent_type=each) for each in ("performance", "security")]


async def states(deps, *changes):
    return [str((await deps.store.enhancements.require(each.id)).state) for each in changes]


async def only_record(deps):
    [record] = await deps.store.conflicts.find()
    return record


async def end(deps, change, *triggers, **fields):
    for trigger in triggers:
        change = await deps.store.enhancements.require(change.id)
        change = await deps.store.enhancements.transition(
            change, trigger, changed_at=NOW, finished_at=NOW, **fields
        )
        assert change is not None
    return change


LAND = ("validate", "pass", "land")


async def test_a_proposal_that_meets_no_other_is_cleared_without_a_record(deps, made, two):
    change = await made.propose(two[0], edited(3))
    assert (await place(change, deps)).state == "cleared"
    assert await deps.store.conflicts.count() == 0


async def test_hunks_of_two_types_in_one_file_both_stand_and_that_is_recorded(deps, made, two):
    changes = [await made.propose(two[0], edited(3)), await made.propose(two[1], edited(30))]
    for each in changes:
        await place(each, deps)
    assert await states(deps, *changes) == ["cleared", "cleared"]
    record = await only_record(deps)
    assert record.kind is ConflictKind.DISJOINT_HUNKS
    assert record.outcome is ConflictOutcome.BOTH_STAND
    assert record.files == ("m.py",)
    [event] = deps.bus.of(ConflictResolved)
    assert (event.conflict_id, event.outcome) == (record.id, record.outcome)


async def test_of_the_same_lines_what_is_worth_less_waits_and_is_made_again(deps, made, two):
    small = await made.propose(two[0], edited(3), worth=1)
    large = await made.propose(two[1], edited(3, by="other"), worth=5)
    for each in (small, large):
        await place(each, deps)
    assert await states(deps, small, large) == ["conflicting", "cleared"]
    record = await only_record(deps)
    assert (record.kind, record.strategy) == (ConflictKind.TEXTUAL, ConflictStrategy.REMAKE)
    assert (record.second.enhancement_id, record.outcome) == (small.id, None)
    assert not deps.bus.of(ConflictResolved)
    await settle_conflicts(deps)
    assert await states(deps, small) == ["conflicting"]
    await end(deps, large, *LAND)
    await settle_conflicts(deps)
    assert await states(deps, small) == ["expired"]
    assert (await only_record(deps)).outcome is ConflictOutcome.REMADE
    [expired] = deps.bus.of(EnhancementExpired)
    assert expired.reason == (
        "conflict: 'security 0' landed first: both rewrite the same lines of m.py, "
        "or lines next to each other"
    )


@pytest.mark.parametrize("how", ["reject", "expire"])
async def test_what_waited_goes_on_as_it_is_if_the_first_does_not_land(deps, made, two, how):
    small = await made.propose(two[0], edited(3), worth=1)
    large = await made.propose(two[1], edited(3, by="other"), worth=5)
    for each in (large, small):
        await place(each, deps)
    await end(deps, large, how)
    await settle_conflicts(deps)
    stored = await deps.store.enhancements.require(small.id)
    assert (stored.state, stored.decision.reason) == ("cleared", "")
    assert (await only_record(deps)).outcome is ConflictOutcome.SECOND_STANDS
    assert [each.enhancement_id for each in deps.bus.of(ProposalCleared)] == [small.id]


async def test_a_cleared_one_that_must_wait_is_cleared_again_under_another_key(deps, made, two):
    small = await made.propose(two[0], edited(3), worth=1)
    await usecases._publish_outcome(await place(small, deps), deps)
    large = await made.propose(two[1], edited(3, by="other"), worth=5)
    await place(large, deps)
    assert await states(deps, small) == ["conflicting"]
    await end(deps, large, "reject")
    await settle_conflicts(deps)
    keys = [each.key for each in deps.bus.published if isinstance(each.message, EnhancementCleared)]
    assert keys == [small.id, f"{small.id}:1"]


async def test_identical_proposals_land_once(deps, made, two):
    changes = [await made.propose(each, edited(3)) for each in two]
    for each in changes:
        await place(each, deps)
    assert sorted(await states(deps, *changes)) == ["cleared", "conflicting"]
    record = await only_record(deps)
    assert record.kind is ConflictKind.IDENTICAL
    await end(deps, *[e for e in changes if e.id == record.first.enhancement_id], *LAND)
    await settle_conflicts(deps)
    assert sorted(await states(deps, *changes)) == ["applied", "superseded"]
    assert (await only_record(deps)).outcome is ConflictOutcome.SUPERSEDED
    [event] = deps.bus.of(EnhancementSuperseded)
    assert "does all of it" in event.reason


async def test_what_a_task_repeated_under_another_epoch_proposes_again_lands_once(deps, made, two):
    """The resolver cleared it just before the task lost its lease."""
    first = await made.propose(two[0], edited(3))
    await place(first, deps)
    made.before.clear()
    again = await made.propose(two[0], edited(3), epoch=2)
    await place(again, deps)
    assert await states(deps, first, again) == ["cleared", "conflicting"]
    await end(deps, first, *LAND)
    await settle_conflicts(deps)
    assert await states(deps, first, again) == ["applied", "superseded"]
    assert (await only_record(deps)).outcome is ConflictOutcome.SUPERSEDED


async def test_what_is_contained_in_one_that_landed_is_superseded(deps, made, two):
    part = await made.propose(two[0], edited(3), worth=1)
    whole = await made.propose(two[1], edited(3, 30), worth=2)
    for each in (part, whole):
        await place(each, deps)
    await end(deps, whole, *LAND)
    await settle_conflicts(deps)
    assert await states(deps, part) == ["superseded"]


async def test_a_caller_is_judged_on_the_head_that_has_the_new_signature(deps, made, two):
    base = "def f(a):\n    return a\n" + "\n" * 9 + "def g():\n    return 0\n"
    deps.reader.commits[COMMIT]["m.py"] = base.encode()
    called = await made.propose(two[0], base.replace("f(a)", "f(a, b)"), worth=3, before=base)
    caller = await made.propose(two[1], base.replace("0", "f(0)"), worth=1, before=base)
    for each in (called, caller):
        await place(each, deps)
    assert await states(deps, called, caller) == ["cleared", "conflicting"]
    await end(deps, called, *LAND)
    await settle_conflicts(deps)
    assert await states(deps, caller) == ["cleared"]
    record = await only_record(deps)
    assert (record.kind, record.outcome) == (ConflictKind.SIGNATURE, ConflictOutcome.STACKED)


async def test_what_builds_on_a_waiting_proposal_waits_with_it(deps, made, two):
    first = await made.propose(two[0], edited(10), worth=1)
    second = await made.propose(two[0], edited(10, 13), worth=1)
    apart = await made.propose(two[0], edited(10, 13, 30), worth=1)
    for each in (first, second, apart):
        await place(each, deps)
    rival = await made.propose(two[1], edited(5), worth=5)
    await place(rival, deps)
    assert await states(deps, first, second, apart) == ["conflicting", "conflicting", "cleared"]
    late = await made.propose(two[0], edited(10, 13, 16, 30), worth=1)
    await place(late, deps)
    assert await states(deps, late) == ["conflicting"]
    await end(deps, rival, *LAND)
    for _ in range(3):
        await settle_conflicts(deps)
    assert await states(deps, first, second, late) == ["expired"] * 3
    outcomes = {each.outcome for each in await deps.store.conflicts.find()}
    assert outcomes <= {
        ConflictOutcome.REMADE,
        ConflictOutcome.BOTH_STAND,
        ConflictOutcome.WITHDRAWN,
    }


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_nothing_waits_in_a_circle(deps, made, two, order):
    """What builds on one that waits goes no earlier than that, whatever it is worth itself."""
    changes = [
        await made.propose(two[0], edited(10), worth=1),
        await made.propose(two[0], edited(10, 13), worth=5),
        await made.propose(two[1], edited(12), worth=3),
    ]
    for number in order:
        await place(changes[number], deps)
    assert await states(deps, *changes) == ["conflicting", "conflicting", "cleared"]


async def test_a_late_proposal_on_lines_that_changed_meanwhile_is_made_again(deps, made, two):
    first = await made.propose(two[0], edited(3))
    await place(first, deps)
    await end(deps, first, *LAND)
    late = await made.propose(two[1], edited(3, by="other"), worth=9)
    assert (await place(late, deps)).state == "expired"
    assert (await only_record(deps)).outcome is ConflictOutcome.REMADE


async def test_what_landed_before_the_commit_of_a_proposal_is_no_overlap(deps, made, two):
    first = await made.propose(two[0], edited(3))
    await place(first, deps)
    await end(deps, first, *LAND)
    newer = "d" * 40
    deps.reader.commits[newer] = {"m.py": edited(3).encode()}
    again = await made.task(
        await deps.store.waves.require(two[1].wave_id), attempt=1, agent_type="security"
    )
    late = await made.propose(
        again,
        edited(3, by="x", text=edited(3)).replace("new 3", "newest 3"),
        before=edited(3),
        base_commit=newer,
    )
    assert (await place(late, deps)).state == "cleared"


async def test_nobody_waits_for_a_person(deps, made, two):
    pending = await made.propose(two[0], edited(3), worth=5)
    await place(pending, deps)
    await end(deps, pending, "validate", "request_approval")
    rival = await made.propose(two[1], edited(3, by="other"))
    assert (await place(rival, deps)).state == "cleared"
    record = await only_record(deps)
    assert record.strategy is ConflictStrategy.PERSON
    assert record.outcome is ConflictOutcome.LEFT_TO_PERSON
    assert await states(deps, pending) == ["needs_approval"]


async def test_what_the_gate_has_begun_with_goes_first_whatever_it_is_worth(deps, made, two):
    begun = await made.propose(two[0], edited(3), worth=1)
    await place(begun, deps)
    await end(deps, begun, "validate")
    rival = await made.propose(two[1], edited(3, by="other"), worth=9)
    assert (await place(rival, deps)).state == "conflicting"


@pytest.mark.parametrize("order", [*permutations(range(3))])
async def test_in_whatever_order_they_come_one_goes_and_none_is_lost(deps, made, two, order):
    changes = [
        await made.propose(two[0], edited(3), worth=1),
        await made.propose(two[1], edited(3, by="other"), worth=2),
    ]
    third = await made.task(await deps.store.waves.require(two[0].wave_id), agent_type="style")
    changes.append(await made.propose(third, edited(2, 3, by="third"), worth=3))
    await asyncio.gather(*(place(changes[n], deps) for n in order))
    for _ in range(2):
        for each in changes:
            now = await deps.store.enhancements.require(each.id)
            if now.state == "proposed":
                await place(now, deps)
    assert await states(deps, *changes) == ["conflicting", "conflicting", "cleared"]
    await end(deps, changes[2], "reject")
    await settle_conflicts(deps)
    assert await states(deps, *changes) == ["conflicting", "cleared", "rejected"]
    await end(deps, changes[1], *LAND)
    await settle_conflicts(deps)
    assert await states(deps, *changes) == ["expired", "applied", "rejected"]
    records = await deps.store.conflicts.find()
    assert len(records) == 3
    assert all(each.outcome for each in records)
    published = {each for each in deps.bus.identities() if each[0] == ConflictResolved.subject}
    assert len(published) == 3


class Killed(Exception):
    pass


WRITES = ((StateRepository, "transition"), (Repository, "insert_missing"), (Repository, "save"))


@pytest.mark.parametrize("died_after", range(6))
async def test_killed_anywhere_it_ends_the_same(deps, made, two, died_after, monkeypatch):
    """Each write may be the last one of a process, whose message then is delivered again."""
    small = await made.propose(two[0], edited(3), worth=1)
    large = await made.propose(two[1], edited(3, by="other"), worth=5)
    left = iter(range(died_after))

    def dying(write):
        async def write_or_die(*arguments, **fields):
            if next(left, None) is None:
                raise Killed
            return await write(*arguments, **fields)

        return write_or_die

    with monkeypatch.context() as patched:
        for kind, name in WRITES:
            patched.setattr(kind, name, dying(getattr(kind, name)))
        await _until_killed(small, large, deps)
    for each in (small, large):
        now = await deps.store.enhancements.require(each.id)
        if now.state == "proposed":
            await place(now, deps)
    await end(deps, large, *LAND)
    left = iter(range(died_after))
    with monkeypatch.context() as patched:
        for kind, name in WRITES:
            patched.setattr(kind, name, dying(getattr(kind, name)))
        with suppress(Killed):
            await settle_conflicts(deps)
    await settle_conflicts(deps)
    assert await states(deps, small, large) == ["expired", "applied"]
    record = await only_record(deps)
    assert record.outcome is ConflictOutcome.REMADE
    assert len({each for each in deps.bus.identities() if each[1] == record.id}) == 1


async def _until_killed(small, large, deps):
    with suppress(Killed):
        await place(small, deps)
        await place(large, deps)


async def test_a_resolution_that_was_stored_but_not_published_is_published(deps, made, two):
    changes = [await made.propose(two[0], edited(3)), await made.propose(two[1], edited(30))]
    for each in changes:
        await place(each, deps)
    again = ResolverDeps(store=deps.store, bus=RecordingBus(), clock=deps.clock, reader=deps.reader)
    await conflicts.settle(again)
    await conflicts.settle(again)
    known = [each for each in deps.bus.identities() if each[0] == ConflictResolved.subject]
    assert again.bus.identities() == known
    deps.clock.go(minutes=9)
    late = ResolverDeps(store=deps.store, bus=RecordingBus(), clock=deps.clock, reader=deps.reader)
    await conflicts.settle(late)
    assert not late.bus.published


async def test_a_target_that_cannot_be_read_is_left_to_the_gate(deps, made, two):
    deps.reader.commits.clear()
    changes = [await made.propose(each, edited(3)) for each in two]
    assert [(await place(each, deps)).state for each in changes] == ["cleared", "cleared"]
