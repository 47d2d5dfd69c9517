"""The changes that wait for the gate."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from services.validator.deps import ValidatorDeps
from services.validator.queue.transitions import expire
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.targets import Target
from shared.contracts.documents.waves import Wave
from shared.contracts.states import WAVE, EnhancementState, TaskState

# A batch waits for the rest of its wave: every change more in it costs no run more. Not for ever.
LINGER = timedelta(seconds=120)
AT_WORK = [TaskState.ASSIGNED, TaskState.RUNNING]
IN_THE_GATE = [EnhancementState.CLEARED, EnhancementState.VALIDATING, EnhancementState.VALIDATED]


async def targets_waiting(deps: ValidatorDeps) -> tuple[str, ...]:
    """The targets with changes in the gate."""
    return tuple(
        dict.fromkeys(await deps.store.enhancements.field_values("target_id", state=IN_THE_GATE))
    )


async def ready(target: Target, deps: ValidatorDeps) -> list[Enhancement]:
    """What may be tried now, in order; empty while its wave is still proposing.

    Changes of a wave that is over expire; those of a dry run are not the gate's.
    """
    waiting = await deps.store.enhancements.find(
        target_id=target.id, state=[EnhancementState.CLEARED, EnhancementState.VALIDATING]
    )
    by_wave: dict[str, list[Enhancement]] = {}
    for each in waiting:
        by_wave.setdefault(each.wave_id, []).append(each)
    for wave_id, changes in by_wave.items():
        wave = await deps.store.waves.require(wave_id)
        if WAVE.terminal(wave.state):
            # A person's word outlives the wave; nothing else does.
            approved = [each for each in changes if each.decision.approval is not None]
            for each in changes:
                if each.decision.approval is None:
                    await expire(each, f"its wave was {wave.state} before it was tried", deps)
            if approved:
                return sorted(approved, key=_stacking)
        elif not wave.dry_run and await _complete(wave, changes, deps):
            return sorted(changes, key=_stacking)
    return []


def _stacking(change: Enhancement) -> tuple[str, int, str]:
    """Within a task patches stand on each other, in their order."""
    return (change.task_id, change.proposal.order, change.id)


async def _complete(wave: Wave, changes: Sequence[Enhancement], deps: ValidatorDeps) -> bool:
    """Whether nothing more is on its way, or the first has waited long enough."""
    if deps.clock() - min(each.changed_at for each in changes) > LINGER:
        return True
    at_work = await deps.store.tasks.count(wave_id=wave.id, state=AT_WORK)
    proposed = await deps.store.enhancements.count(wave_id=wave.id, state=EnhancementState.PROPOSED)
    return not at_work and not proposed


async def validate(changes: Sequence[Enhancement], deps: ValidatorDeps) -> list[Enhancement]:
    """Take them into the gate; those that already were in it stay."""
    taken = []
    for each in changes:
        if each.state is EnhancementState.VALIDATING:
            taken.append(each)
        elif moved := await deps.store.enhancements.transition(
            each, "validate", changed_at=deps.clock()
        ):
            taken.append(moved)
    return taken


async def give_back(
    changes: Sequence[Enhancement], deps: ValidatorDeps, *, suspected: Mapping[str, Sequence[str]]
) -> None:
    """Return them to the pool: they are judged again on the next head, with what they are suspected of there."""
    for each in changes:
        await deps.store.enhancements.transition(
            each,
            "requeue",
            decision__returned=each.decision.returned + 1,
            decision__suspected=tuple(suspected.get(each.id, ())),
            changed_at=deps.clock(),
        )


async def patches(changes: Sequence[Enhancement], deps: ValidatorDeps) -> dict[str, str]:
    """The patch text of each change."""
    stored = await deps.store.patches.find(
        id=[each.proposal.required_patch.digest for each in changes]
    )
    text = {each.id: each.text for each in stored}
    return {each.id: text[each.proposal.required_patch.digest] for each in changes}
