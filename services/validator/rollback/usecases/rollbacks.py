"""Rolling back landed changes: reverts that together must pass the suite like any change.

A later change of the same lines, or without which tests fail that pass now, depends on what is
rolled back: it is rolled back as well, or nothing is. Nothing is ever forced.
"""

import asyncio
from collections.abc import Sequence

from services.validator.deps import ValidatorDeps
from services.validator.git.domain.commits import rollback_message
from services.validator.prepared import prepare_head
from services.validator.queue.transitions import (
    publish_outcome,
    publish_rollback_refused,
    transition_and_publish,
)
from services.validator.review.usecases import BranchReverts, show_rolled_back
from services.validator.rollback.domain import RevertPlan
from services.validator.rollback.usecases.tested_reverts import (
    LandedStack,
    RollbackRefusedError,
    RollbackRequest,
    find_passing_plan,
)
from services.validator.workflows.usecases.release import undo_releases
from shared.contracts.commands import RollbackEnhancement, RollbackEnhancements
from shared.contracts.documents.enhancements import Enhancement, Rollback
from shared.contracts.documents.targets import Target
from shared.contracts.events import RollbackFinished
from shared.contracts.states import EnhancementState
from shared.kernel.errors import Conflict, Rejected, Transient
from shared.kernel.failpoints import failpoint

MAX_LISTED = 50
MAX_NAMED = 3


async def roll_back(
    command: RollbackEnhancement,
    deps: ValidatorDeps,
    *,
    automatic: bool = False,
    repetition: int = 0,
) -> None:
    """Roll back one change, or publish why not; repeating the command only publishes again.

    Raises `Conflict` after publishing why not, unless the change's state is applied.
    """
    change = await deps.store.enhancements.require(command.enhancement_id)
    target = await deps.store.targets.require(change.target_id)
    async with deps.leadership.hold_leadership(target.id, wait=True):
        change = await deps.store.enhancements.require(command.enhancement_id)
        if change.state is EnhancementState.ROLLED_BACK:
            await publish_outcome(change, deps)
            await _publish_finished(change.id, change.wave_id, target, [change], deps)
            return
        request = RollbackRequest(
            change.id,
            target,
            change.wave_id,
            [change],
            command.reason,
            command.dependents,
            automatic,
            repetition,
        )
        try:
            await _execute(request, deps)
        except RollbackRefusedError as refusal:
            await _refuse(change, refusal, deps)
            await _publish_refused(request, refusal, deps)
            if change.state is not EnhancementState.APPLIED:
                raise Conflict(
                    f"Enhancement {change.id} was not rolled back: {refusal.reason}."
                ) from None


async def roll_back_all(command: RollbackEnhancements, deps: ValidatorDeps) -> None:
    """Roll back what a wave landed, or what landed since a time: all, or publish why nothing."""
    target = await deps.store.targets.require(command.target_id)
    async with deps.leadership.hold_leadership(target.id, wait=True):
        landed = await deps.store.enhancements.find(
            target_id=target.id, state=EnhancementState.APPLIED
        )
        changes = [each for each in landed if _is_requested(each, command)]
        request = RollbackRequest(
            command.rollback_id,
            target,
            command.wave_id or "",
            changes,
            command.reason,
            command.dependents,
        )
        try:
            await _execute(request, deps)
        except RollbackRefusedError as refusal:
            await _publish_refused(request, refusal, deps)


def _is_requested(change: Enhancement, command: RollbackEnhancements) -> bool:
    """Return True if a change is of the wave and landed since the time, if the command has them."""
    if command.wave_id is not None and change.wave_id != command.wave_id:
        return False
    return command.since is None or (change.finished_at or change.changed_at) >= command.since


async def _execute(request: RollbackRequest, deps: ValidatorDeps) -> None:
    """Roll back what the request names, and publish the end; repeating it changes nothing.

    Raises `RollbackRefusedError` if that is not possible.
    """
    changes = request.changes
    if all(each.state is not EnhancementState.APPLIED for each in changes):
        state = f"it is {changes[0].state}" if changes else "nothing of it is landed"
        raise RollbackRefusedError(f"{state}, so there is nothing on the branch to roll back")
    failpoint("rollback.begun")
    stack, finished = await _load_stack(request, deps)
    chosen = [each.id for each in changes if each.id in stack.commits]
    lost = [each for each in changes if each.id not in {*stack.commits, *finished}]
    if lost:
        raise RollbackRefusedError(
            f"{request.target.landing_branch} does not contain {_name_changes(lost)} any more"
        )
    if chosen:
        await _test_and_publish(request, stack, chosen, deps)
    reverted = [await deps.store.enhancements.require(each.id) for each in changes]
    await _publish_finished(request.id, request.wave_id, request.target, reverted, deps)


async def _load_stack(
    request: RollbackRequest, deps: ValidatorDeps
) -> tuple[LandedStack, set[str]]:
    """Return what is landed now, and the ids that an interrupted rollback already reverted.

    Those are marked as rolled back first. Raises `RollbackRefusedError` where no test can run.
    """
    target = request.target
    repository = deps.repository(target)
    head = await asyncio.to_thread(repository.refresh, target)
    found = await deps.store.enhancements.find(target_id=target.id, state=EnhancementState.APPLIED)
    applied = {each.id: each for each in found}
    reverts = await asyncio.to_thread(repository.revert_commits, target, list(applied))
    if reverts:
        # They are sorted newest first; the parent of the oldest was the head before the rollback.
        *_, oldest = reverts.values()
        before = await asyncio.to_thread(repository.parent, oldest)
        shown = BranchReverts(request.id, before, head.commit, list(reverts))
        await show_rolled_back(target, shown, deps)
    for key, commit in reverts.items():
        await _mark_rolled_back(applied.pop(key), commit, request, deps)
    commits = dict(await asyncio.to_thread(repository.landed_commits, target, list(applied)))
    try:
        prepared = await prepare_head(deps, target, head.commit)
    except Rejected as error:
        raise RollbackRefusedError(f"its revert could not be tested: {error}") from error
    changes = [applied[key] for key in commits]
    return LandedStack(target, repository, prepared, changes, commits), set(reverts)


async def _test_and_publish(
    request: RollbackRequest, stack: LandedStack, chosen: Sequence[str], deps: ValidatorDeps
) -> None:
    """Find reverts that pass the tests, and move the branch over them.

    Raises `RollbackRefusedError` if there are none, or later changes depend on what is rolled back
    and may not be reverted as well.
    """
    plan, tests = await find_passing_plan(request, stack, chosen, deps)
    failpoint("rollback.tested")
    added = [each for each in stack.changes if each.id in set(plan.order) - set(chosen)]
    if added and not request.dependents:
        why = f" ({len(tests)} tests that pass now would fail without them)" if tests else ""
        raise RollbackRefusedError(
            f"{_name_changes(added)} came later and depend{'s' if len(added) == 1 else ''} on it"
            f"{why}; to roll them back as well, use --dependents",
            tests,
            added,
        )
    await _publish_branch(request, stack, plan, set(chosen), deps)


async def _publish_branch(
    request: RollbackRequest,
    stack: LandedStack,
    plan: RevertPlan,
    chosen: set[str],
    deps: ValidatorDeps,
) -> None:
    """Create one revert commit per change, newest first, and move the branch over all at once.

    Then they are shown and marked. Raises `Transient` if the branch has moved or is out of reach,
    `RollbackRefusedError` if it cannot be moved.
    """
    repository, head = stack.repository, stack.prepared.head
    commits = await _commit_reverts(request, stack, plan, chosen, deps)
    tip = [*commits.values()][-1]
    failpoint("rollback.committed")
    await deps.leadership.still_leading(stack.target.id)
    refusal = await asyncio.to_thread(repository.publish, stack.target, tip, head)
    failpoint("rollback.pushed")
    if refusal is not None and refusal.kind in {"moved", "unreachable"}:
        raise Transient("The landing branch moved or could not be reached.", hint=refusal.reason)
    if refusal is not None:
        raise RollbackRefusedError(refusal.reason)
    reverts = BranchReverts(request.id, head, tip, list(commits))
    await show_rolled_back(stack.target, reverts, deps)
    changes = {each.id: each for each in stack.changes}
    for key, commit in commits.items():
        await _mark_rolled_back(changes[key], commit, request, deps)


async def _commit_reverts(
    request: RollbackRequest,
    stack: LandedStack,
    plan: RevertPlan,
    chosen: set[str],
    deps: ValidatorDeps,
) -> dict[str, str]:
    """Create the revert commits of a plan on no branch; return them by change, in their order."""
    repository, changes = stack.repository, {each.id: each for each in stack.changes}
    head, now = stack.prepared.head, deps.clock()
    tip = await asyncio.to_thread(repository.commit_parent, stack.target, head, now)
    commits = {}
    for key, tree in zip(plan.order, plan.trees, strict=True):
        dependent = f"it depends on what is rolled back: {request.reason}"
        message = rollback_message(changes[key], request.reason if key in chosen else dependent)
        tip = await asyncio.to_thread(repository.commit, tree, tip, message, deps.clock())
        commits[key] = tip
    return commits


async def _mark_rolled_back(
    change: Enhancement, commit: str, request: RollbackRequest, deps: ValidatorDeps
) -> None:
    """Store and publish that a change was rolled back by this commit."""
    rollback = Rollback(
        commit=commit, reason=request.reason, at=deps.clock(), automatic=request.automatic
    )
    await undo_releases(change, commit, deps)
    await transition_and_publish(change, "roll_back", deps, landing__rollback=rollback)


async def _refuse(change: Enhancement, refusal: RollbackRefusedError, deps: ValidatorDeps) -> None:
    """Store on the change why it was not rolled back, and publish that."""
    sentence = f"Enhancement {change.id} was not rolled back: {refusal.reason}."
    await deps.store.enhancements.set_fields(change.id, landing__rollback_refusal=sentence)
    await publish_rollback_refused(
        change.updated(landing__rollback_refusal=sentence), refusal.tests, deps
    )


async def _publish_refused(
    request: RollbackRequest, refusal: RollbackRefusedError, deps: ValidatorDeps
) -> None:
    """Publish that nothing was rolled back, with the reason, tests and dependents."""
    event = RollbackFinished(
        rollback_id=request.id,
        wave_id=request.wave_id or None,
        target_id=request.target.id,
        succeeded=False,
        reason=f"Nothing was rolled back: {refusal.reason}.",
        tests=refusal.tests[:MAX_LISTED],
        dependents=tuple(each.id for each in refusal.dependents[:MAX_LISTED]),
    )
    await deps.bus.publish(event, key=f"{request.id}:{deps.new_id()}", wave=request.wave_id)


async def _publish_finished(
    identity: str, wave: str, target: Target, changes: Sequence[Enhancement], deps: ValidatorDeps
) -> None:
    """Publish that a rollback succeeded, under the same id if repeated."""
    event = RollbackFinished(
        rollback_id=identity,
        wave_id=wave or None,
        target_id=target.id,
        succeeded=True,
        enhancements=tuple(each.id for each in changes),
    )
    await deps.bus.publish(event, key=f"{identity}:done", wave=wave)


def _name_changes(changes: Sequence[Enhancement]) -> str:
    """Return the short ids and titles of the first `MAX_NAMED` changes, and count the others."""
    named = [f"{each.id[-8:]} {each.proposal.title!r}" for each in changes[:MAX_NAMED]]
    more = len(changes) - MAX_NAMED
    return ", ".join(named) + (f" and {more} more" if more > 0 else "")
