"""The changes that are queued for the gate."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from services.validator.deps import ValidatorDeps
from services.validator.queue.transitions import expire
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.targets import Target
from shared.contracts.documents.waves import Wave
from shared.contracts.states import WAVE, EnhancementState, TaskState

# A batch waits for the rest of its wave, as a larger batch needs no more runs; but not for ever.
MAX_WAIT_FOR_WAVE = timedelta(seconds=120)
AT_WORK = [TaskState.ASSIGNED, TaskState.RUNNING]
WAITING = [EnhancementState.CLEARED, EnhancementState.VALIDATING]
MAX_REMEMBERED_CHANGES = 1_000
MAX_TARGETS_ASKED_FOR = 4
IN_THE_GATE = [EnhancementState.CLEARED, EnhancementState.VALIDATING, EnhancementState.VALIDATED]


async def targets_with_changes(deps: ValidatorDeps) -> tuple[str, ...]:
    """Return the ids of the targets with changes in the gate."""
    in_the_gate = deps.store.enhancements.exists
    if not await in_the_gate(state=IN_THE_GATE):
        return ()
    targets = await deps.store.targets.find(limit=MAX_TARGETS_ASKED_FOR + 1)
    if len(targets) <= MAX_TARGETS_ASKED_FOR:
        # The gate asks several times a second, and a target may have a hundred changes.
        found = [e.id for e in targets if await in_the_gate(target_id=e.id, state=IN_THE_GATE)]
        if found:
            return tuple(found)
    return tuple(
        dict.fromkeys(await deps.store.enhancements.field_values("target_id", state=IN_THE_GATE))
    )


async def ready_changes(target: Target, deps: ValidatorDeps) -> list[Enhancement]:
    """Return one wave's changes that may be tried now, in order; none if all waves still propose.

    A wave proposes until none of its tasks is at work, or a change has waited `MAX_WAIT_FOR_WAVE`.
    Changes of a wave that has ended expire, unless a person approved them. Changes of a dry run are
    never tried.
    """
    # The gate asks several times a second, while a wave proposes dozens of changes.
    if len(deps.process.waiting) > MAX_REMEMBERED_CHANGES:
        deps.process.waiting.clear()
    waiting = await deps.store.enhancements.find_remembered(
        deps.process.waiting, target_id=target.id, state=WAITING
    )
    by_wave: dict[str, list[Enhancement]] = {}
    for each in waiting:
        by_wave.setdefault(each.wave_id, []).append(each)
    for wave_id, changes in by_wave.items():
        wave = await deps.store.waves.require(wave_id)
        if WAVE.terminal(wave.state):
            # Only an approval outlives the wave.
            approved = [each for each in changes if each.decision.approval is not None]
            for each in changes:
                if each.decision.approval is None:
                    await expire(each, f"its wave was {wave.state} before it was tried", deps)
            if approved:
                return await _read(approved, deps)
        elif not wave.dry_run and await _complete(wave, changes, deps):
            return await _read(changes, deps)
    return []


async def _read(changes: Sequence[Enhancement], deps: ValidatorDeps) -> list[Enhancement]:
    """Return those of these changes that still wait, in order, with all that is stored of them."""
    found = await deps.store.enhancements.find(id=[each.id for each in changes], state=WAITING)
    return sorted(found, key=stacking_order)


def stacking_order(change: Enhancement) -> tuple[str, int, str]:
    """Return a sort key by which the changes of one task stay in the order they build on."""
    return (change.task_id, change.proposal.order, change.id)


async def _complete(wave: Wave, changes: Sequence[Enhancement], deps: ValidatorDeps) -> bool:
    """Return true if a wave will bring no more changes, or the first has waited long enough."""
    if deps.clock() - min(each.changed_at for each in changes) > MAX_WAIT_FOR_WAVE:
        return True
    if await deps.store.tasks.exists(wave_id=wave.id, state=AT_WORK):
        return False
    proposed = EnhancementState.PROPOSED
    return not await deps.store.enhancements.exists(wave_id=wave.id, state=proposed)


async def begin_validation(
    changes: Sequence[Enhancement], deps: ValidatorDeps
) -> list[Enhancement]:
    """Store cleared changes as validating; return all that are, without those moved elsewhere."""
    now = deps.clock()
    moved = {
        each.id: each
        for each in await deps.store.enhancements.transition_all(
            changes, "validate", changed_at=now
        )
    }
    taken = [moved.get(each.id, each) for each in changes]
    return [each for each in taken if each.state is EnhancementState.VALIDATING]


async def return_to_queue(
    changes: Sequence[Enhancement], deps: ValidatorDeps, *, suspected: Mapping[str, Sequence[str]]
) -> None:
    """Return changes to the queue, to be judged again on the next head.

    `suspected` has, by change, the tests that it is suspected of breaking.
    """
    for each in changes:
        await deps.store.enhancements.transition(
            each,
            "requeue",
            decision__returned=each.decision.returned + 1,
            decision__suspected=tuple(suspected.get(each.id, ())),
            changed_at=deps.clock(),
        )


async def load_patches(changes: Sequence[Enhancement], deps: ValidatorDeps) -> dict[str, str]:
    """Return the patch text of each change, by its id."""
    stored = await deps.store.patches.find(
        id=[each.proposal.required_patch.digest for each in changes]
    )
    text = {each.id: each.text for each in stored}
    return {each.id: text[each.proposal.required_patch.digest] for each in changes}
