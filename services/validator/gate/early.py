"""What is found out about cleared changes while the rest of their wave is still being proposed.

Nothing of it decides anything. The round asks the same questions again, and finds that the runs are
finished, and the findings and programs of the same texts known.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import structlog

from services.validator.deps import ValidatorDeps
from services.validator.findings.usecases import changes_with_trees, check_findings
from services.validator.gate.gains import measure_last, promises_speed
from services.validator.gate.heads import prepare_known_head, refresh_head, run_on_head
from services.validator.git.ports import Composition
from services.validator.prepared import PreparedHead
from services.validator.proof.usecases import compare_programs
from services.validator.queue import pool
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.states import EnhancementState
from shared.kernel.errors import Rejected

log = structlog.get_logger(__name__)

# Changes of a task are cleared one shortly after the other.
PAUSE_SECONDS = 0.25
Work = Callable[[Sequence[Enhancement], Composition, PreparedHead, ValidatorDeps], Awaitable[None]]


def prepare_early(change: Enhancement, deps: ValidatorDeps) -> None:
    """Start to measure the gain that a cleared change promises, and to look at its whole task.

    Does nothing for what is already being looked at.
    """
    if promises_speed(change):
        work = partial(_on_the_head, [change], _measure_gain, deps)
        deps.process.early_work.start(change.id, work)
    deps.process.early_work.start(change.task_id, partial(_look_at_task, change.task_id, deps))


async def _look_at_task(task_id: str, deps: ValidatorDeps) -> None:
    """Compare findings and programs of a task's cleared changes, until no more of them come."""
    seen = 0
    while True:
        await asyncio.sleep(PAUSE_SECONDS)
        cleared = await deps.store.enhancements.find(
            task_id=task_id, state=EnhancementState.CLEARED
        )
        if len(cleared) <= seen:
            return
        seen = len(cleared)
        await _on_the_head(sorted(cleared, key=pool.stacking_order), _compare, deps)


async def _on_the_head(changes: Sequence[Enhancement], work: Work, deps: ValidatorDeps) -> None:
    """Do work on changes of a wave composed on the head; leave it to the round if they are not."""
    target = await deps.store.targets.require(changes[0].target_id)
    try:
        head = await refresh_head(target, deps)
        prepared = await prepare_known_head(target, head, changes[0].wave_id, deps)
        patches = await pool.load_patches(changes, deps)
        composition = await asyncio.to_thread(
            deps.repository(target).compose, head.commit, [*patches.items()]
        )
        if not composition.failed:
            await work(changes, composition, prepared, deps)
    except Rejected as error:
        log.info("not_prepared_early", target=target.id, reason=error.message)


async def _measure_gain(
    changes: Sequence[Enhancement],
    composition: Composition,
    prepared: PreparedHead,
    deps: ValidatorDeps,
) -> None:
    """Measure the gain that the last change promises."""
    baseline = await run_on_head(prepared, changes[-1].wave_id, deps)
    await measure_last(changes[-1], composition, prepared, baseline, deps)


async def _compare(
    changes: Sequence[Enhancement],
    composition: Composition,
    prepared: PreparedHead,
    deps: ValidatorDeps,
) -> None:
    """Compare the findings and the programs with and without each change."""
    steps = changes_with_trees(changes, composition.steps, prepared.tree)
    await check_findings(steps, prepared, deps)
    await compare_programs(changes, composition.steps, prepared, deps)
