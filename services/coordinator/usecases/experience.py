"""Read what became of earlier changes, and store what a wave chose from."""

from services.coordinator.deps import CoordinatorDeps
from services.coordinator.domain.learning import (
    SHARE_THAT_STANDS,
    Experience,
    learn,
    outcomes_of,
)
from services.coordinator.domain.planning import Plan
from shared.contracts.documents.choices import WaveChoices
from shared.contracts.documents.waves import Wave

# The newest changes of the target, and as many of all targets: older ones hardly count any more.
MAX_CHANGES = 2000


async def experience_of(wave: Wave, deps: CoordinatorDeps) -> Experience:
    """Return what the stored changes say about the arms of the wave's target."""
    decided = deps.store.enhancements.within(state=[*SHARE_THAT_STANDS])
    changes = await decided.page(limit=MAX_CHANGES, target_id=wave.target_id)
    changes += await decided.page(limit=MAX_CHANGES)
    known = {each.id: each for each in changes}
    tasks = await deps.store.tasks.find(id=sorted({each.task_id for each in changes}))
    return learn(outcomes_of(known.values(), tasks), wave.target_id, now=deps.clock())


async def store_choices(wave: Wave, plan: Plan, deps: CoordinatorDeps) -> None:
    """Store what a wave chose from, before its tasks are stored; once, if it is planned again."""
    await deps.store.choices.insert_missing(
        [
            WaveChoices(
                id=wave.id,
                target_id=wave.target_id,
                candidates=plan.candidates,
                left_out=plan.left_out,
                at=deps.clock(),
            )
        ]
    )
