"""Assign the waiting tasks of a wave, as many as its throttle and its open changes allow."""

from collections.abc import Sequence

import structlog

from services.coordinator.deps import CoordinatorDeps
from services.coordinator.domain import room
from services.coordinator.domain.waves import UNDECIDED
from services.coordinator.usecases import messages
from services.coordinator.usecases.end import end_task
from shared.contracts.commands import AcquireLease, LeaseGrant
from shared.contracts.documents.waves import Task, Wave
from shared.contracts.states import EnhancementState, TaskState

log = structlog.get_logger(__name__)

# What somebody has yet to look at: the gate, or a person.
OPEN_CHANGES = [*UNDECIDED, EnhancementState.NEEDS_APPROVAL]


async def count_open(target_id: str, deps: CoordinatorDeps) -> int:
    """Return how many changes of a target are open or wait for a person."""
    return await deps.store.enhancements.count(target_id=target_id, state=OPEN_CHANGES)


async def assign_waiting(wave: Wave, deps: CoordinatorDeps) -> Sequence[Task]:
    """Assign waiting tasks, and return all tasks of the wave.

    Where only a person could make room for more changes, the waiting ones are cancelled instead:
    their findings are there for a later wave.
    """
    tasks = await deps.store.tasks.find(wave_id=wave.id)
    waiting = [each for each in tasks if each.state is TaskState.WAITING]
    if not waiting:
        return tasks
    places = min(room.free_places(wave, tasks), len(waiting))
    left = await _free_changes(wave, tasks, deps)
    if left is not None and left < 1 and room.only_a_person_makes_room(tasks):
        for task in waiting:
            note = f"{wave.max_open} changes are open or wait for a person"
            await end_task(task, "cancel", deps, note=note)
        return await deps.store.tasks.find(wave_id=wave.id)
    for task in waiting:
        share = room.share_of(left, places)
        if places < 1 or (share is not None and share < 1):
            break
        if await _assign(task, share, deps):
            places -= 1
            left = None if left is None or share is None else left - share
    return tasks


async def _free_changes(wave: Wave, tasks: Sequence[Task], deps: CoordinatorDeps) -> int | None:
    """Return how many more changes a wave may propose; None without a limit."""
    if wave.max_open is None:
        return None
    return room.free_changes(wave, tasks, await count_open(wave.target_id, deps))


async def _assign(task: Task, max_changes: int | None, deps: CoordinatorDeps) -> bool:
    """Acquire the lease of a task and assign it; return whether that was done.

    It stays waiting while its component is leased.
    """
    request = AcquireLease(
        target_id=task.target_id,
        wave_id=task.wave_id,
        task_id=task.id,
        component=task.component,
        paths=task.paths,
        priority=task.priority,
    )
    grant = await deps.bus.request(request, LeaseGrant)
    if not grant.granted:
        log.info("lease_unavailable", task=task.id, reason=grant.reason)
        return False
    assigned = await deps.store.tasks.transition(
        task, "assign", epoch=grant.epoch, max_changes=max_changes, changed_at=deps.clock()
    )
    if assigned is None:
        return False
    await messages.publish_task_assigned(assigned, deps)
    return True
