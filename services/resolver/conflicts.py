"""Settle the overlaps of a target's open proposals, before the gate pays for them.

Two proposals that overlap have one record, by the ids of both, so that whoever compares them again
finds it. A record is stored before anything is done about it, and what is done follows from the
records and the states; so a crash at any point costs time and nothing else.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import structlog

from services.resolver.deps import ResolverDeps
from services.resolver.domain.conflicts import (
    Overlap,
    expected_values,
    find_overlap,
    made_together,
    rely_on_same_lines,
)
from services.resolver.domain.footprints import Footprint
from services.resolver.domain.records import (
    ENDINGS,
    ending,
    ending_reason,
    record_of,
    resolved,
    waiting_reason,
)
from services.resolver.footprints import find_changes, load_footprints, newer_commit
from shared.contracts.documents.conflicts import ConflictKind, ConflictResolution, ConflictStrategy
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.events import ConflictResolved
from shared.contracts.states import EnhancementState
from shared.kernel.errors import Transient

log = structlog.get_logger(__name__)
OPEN = [
    EnhancementState.PROPOSED,
    EnhancementState.CONFLICTING,
    EnhancementState.CLEARED,
    EnhancementState.VALIDATING,
    EnhancementState.VALIDATED,
    EnhancementState.NEEDS_APPROVAL,
]
# Each one more means that the gate took a change just before it could be made to wait.
MAX_ATTEMPTS = 5
# Shorter than the streams' duplicate window of ten minutes, so a repetition is not stored twice.
REPUBLISH_WINDOW = timedelta(minutes=8)


async def place(change: Enhancement, deps: ResolverDeps) -> Enhancement:
    """Clear a proposal, make it wait for those it must not meet, or end it; return it as stored.

    It is compared with the other open proposals of its target, and with what landed since its
    task was made. Raises `Transient` where they change too often.
    """
    async with deps.locks[change.target_id]:
        for _ in range(MAX_ATTEMPTS):
            overlaps = await _find_overlaps(change, deps)
            await _record(overlaps, deps)
            if all([await _make_wait(each, deps) for each in _yielding(change, overlaps)]):
                return await _proceed(change, deps)
    raise Transient("The changes that a proposal overlaps are being judged.")


def _yielding(change: Enhancement, overlaps: Sequence[Overlap]) -> list[Enhancement]:
    """Return the cleared proposals that go after this one; a new one is placed on its own."""
    return [
        each.second
        for each in overlaps
        if each.first.id == change.id
        and each.second.state is EnhancementState.CLEARED
        and each.strategy is not ConflictStrategy.BOTH_STAND
    ]


async def settle(deps: ResolverDeps) -> list[Enhancement]:
    """Resolve the conflicts whose first proposal has ended; return what waited for nothing else.

    Those proposals are cleared now, ended, or wait for another one.
    """
    open_records = await _resolve(await deps.store.conflicts.find(outcome=None), deps)
    held = {each.second.enhancement_id for each in open_records}
    waiting = await deps.store.enhancements.find(state=EnhancementState.CONFLICTING)
    freed = [
        await place(each, deps)
        for each in waiting
        if each.id not in held and not await _is_waiting(each, deps)
    ]
    since = deps.clock() - REPUBLISH_WINDOW
    for record in await deps.store.conflicts.find_since("resolved_at", since):
        if record.id not in deps.published:
            await _publish(record, deps)
    return freed


async def _find_overlaps(change: Enhancement, deps: ResolverDeps) -> list[Overlap]:
    """Return the overlaps of a proposal with others: of other tasks, or held before it in its own.

    A proposal whose files cannot be read is left to the gate, which says why it cannot be tried.
    """
    others = await _candidates(change, deps)
    if not others:
        return []
    values = await _values((change, *others), deps)
    found = []
    for other in others:
        commit = await newer_commit(change, other, deps)
        footprints = await load_footprints((change, other), commit, deps)
        mine, its = footprints.get(change.id), footprints.get(other.id)
        if mine is not None and its is not None:
            found.append(_overlap(change, other, mine, its, values))
    return [each for each in found if each is not None]


async def _values(changes: Sequence[Enhancement], deps: ResolverDeps) -> dict[str, float]:
    """Return what changes are expected to be worth, by id, beside the rest of their tasks."""
    tasks = sorted({each.task_id for each in changes})
    return expected_values(await find_changes(deps, task_id=tasks))


def _overlap(
    change: Enhancement,
    other: Enhancement,
    mine: Footprint,
    its: Footprint,
    values: Mapping[str, float],
) -> Overlap | None:
    """Return how a proposal overlaps another one; None if it does not."""
    if not made_together(change, other):
        return find_overlap(change, other, mine, its, values)
    if rely_on_same_lines(mine, its):
        return Overlap(ConflictKind.BUILDS_ON, other, change)
    return None


async def _candidates(change: Enhancement, deps: ResolverDeps) -> list[Enhancement]:
    """Return the changes that a proposal may overlap, oldest first.

    Of those made with it, these are the ones before it that wait: it was made on top of them.
    """
    opened = await find_changes(deps, target_id=change.target_id, state=OPEN)
    still_open = [each for each in opened if each.state in OPEN]
    return [
        each
        for each in (*still_open, *await _landed_meanwhile(change, deps))
        if each.proposal.patch is not None
        and each.id != change.id
        and (not made_together(each, change) or _is_held_before(each, change))
    ]


async def _landed_meanwhile(change: Enhancement, deps: ResolverDeps) -> list[Enhancement]:
    """Return what has landed on the target since the commit that a proposal was made for.

    The first tasks of a wave are made for the head that it began on, others for that of their time.
    """
    task = await deps.store.tasks.require(change.task_id)
    made = task if task.follow_up_of else await deps.store.waves.require(task.wave_id)
    finished = await deps.store.enhancements.find_since("finished_at", made.created_at)
    return [
        each
        for each in finished
        if each.state is EnhancementState.APPLIED and each.target_id == change.target_id
    ]


def _is_held_before(one: Enhancement, other: Enhancement) -> bool:
    """Return whether a proposal comes before another one that was made with it, and waits."""
    is_before = one.proposal.order < other.proposal.order
    return one.state is EnhancementState.CONFLICTING and is_before


async def _record(overlaps: Sequence[Overlap], deps: ResolverDeps) -> None:
    """Store the records of overlaps and publish those that are resolved with it.

    A record that is resolved stays as it is; an open one is replaced if the order has changed.
    """
    if not overlaps:
        return
    wanted = {each.id: each for each in (record_of(o, now=deps.clock()) for o in overlaps)}
    stored = {each.id: each for each in await deps.store.conflicts.find_by_ids([*wanted])}
    await deps.store.conflicts.insert_missing(
        [each for each in wanted.values() if each.id not in stored]
    )
    for old in stored.values():
        new = wanted[old.id].model_copy(update={"version": old.version, "found_at": old.found_at})
        if old.outcome is None and new != old:
            await deps.store.conflicts.save(new)
    for each in await deps.store.conflicts.find_by_ids([*wanted]):
        if each.outcome is not None and each.id not in deps.published:
            await _publish(each, deps)


async def _proceed(change: Enhancement, deps: ResolverDeps) -> Enhancement:
    """Make a proposal wait, end it or clear it, as its records say; return it as stored."""
    records = await deps.store.conflicts.find(second__enhancement_id=change.id)
    if any(each.outcome is None for each in records):
        await _make_wait(change, deps)
    elif last := ending(records):
        await _end(change, last, deps)
    elif cleared := await deps.store.enhancements.transition(
        change, "clear", decision__reason="", changed_at=deps.clock()
    ):
        return cleared
    return await deps.store.enhancements.require(change.id)


async def _end(change: Enhancement, record: ConflictResolution, deps: ResolverDeps) -> None:
    """End a proposal as the outcome of its conflict says."""
    assert record.outcome is not None
    now = deps.clock()
    await deps.store.enhancements.transition(
        change,
        ENDINGS[record.outcome],
        decision__reason=ending_reason(record),
        changed_at=now,
        finished_at=now,
    )


async def _make_wait(change: Enhancement, deps: ResolverDeps) -> bool:
    """Make a proposal wait that goes second, and those of its task that build on it.

    Returns whether it does not reach the gate before; what waits for a person does not.
    """
    if change.state in {EnhancementState.PROPOSED, EnhancementState.CLEARED}:
        records = await deps.store.conflicts.find(second__enhancement_id=change.id, outcome=None)
        held = records and await deps.store.enhancements.transition(
            change, "conflict", decision__reason=waiting_reason(records), changed_at=deps.clock()
        )
        if not held:
            now = await deps.store.enhancements.require(change.id)
            return now.state is EnhancementState.CONFLICTING
        log.info("proposal_waits", enhancement=change.id, records=[each.id for each in records])
        await _make_dependents_wait(change, deps)
    return True


async def _make_dependents_wait(change: Enhancement, deps: ResolverDeps) -> None:
    """Make the cleared proposals wait that build on a waiting one of their task."""
    held = await deps.store.enhancements.require(change.id)
    siblings = await deps.store.enhancements.find(
        task_id=change.task_id,
        proposal__epoch=change.proposal.epoch,
        state=EnhancementState.CLEARED,
    )
    later = [each for each in siblings if each.proposal.order > change.proposal.order]
    footprints = await load_footprints(
        (held, *later), change.proposal.required_patch.base_commit, deps
    )
    for each in later:
        mine, its = footprints.get(held.id), footprints.get(each.id)
        if mine is not None and its is not None and rely_on_same_lines(mine, its):
            await _record([Overlap(ConflictKind.BUILDS_ON, held, each)], deps)
            await _make_wait(each, deps)


async def _is_waiting(change: Enhancement, deps: ResolverDeps) -> bool:
    """Return whether a conflict in which a proposal goes second is not resolved yet."""
    return bool(await deps.store.conflicts.count(second__enhancement_id=change.id, outcome=None))


async def _resolve(
    records: Sequence[ConflictResolution], deps: ResolverDeps
) -> list[ConflictResolution]:
    """Store and publish the outcomes that are certain by now; return the records that stay open."""
    ids = {each.enhancement_id for record in records for each in (record.first, record.second)}
    states = {each.id: each.state for each in await deps.store.enhancements.find_by_ids([*ids])}
    left = []
    for record in records:
        first, second = record.first.enhancement_id, record.second.enhancement_id
        done = resolved(record, states[first], states[second], now=deps.clock())
        if done is None:
            left.append(record)
        elif await deps.store.conflicts.save(done):
            await _publish(done, deps)
    return left


async def _publish(record: ConflictResolution, deps: ResolverDeps) -> None:
    """Publish that a conflict is resolved; the same one again is stored once."""
    assert record.outcome is not None
    event = ConflictResolved(
        wave_id=record.second.wave_id,
        target_id=record.target_id,
        conflict_id=record.id,
        first=record.first.enhancement_id,
        second=record.second.enhancement_id,
        kind=record.kind,
        strategy=record.strategy,
        outcome=record.outcome,
        reason=record.reason,
        files=record.files,
    )
    await deps.bus.publish(event, key=record.id, wave=event.wave_id)
    deps.published.add(record.id)
