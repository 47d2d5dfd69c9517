"""Use cases of the resolver: grant, renew and end leases, and clear proposals."""

from datetime import timedelta

from services.resolver import conflicts
from services.resolver.deps import ResolverDeps
from services.resolver.domain import leases
from services.resolver.leasing import (
    acquire,
    extend,
    reconcile_leases,
    release,
    release_proposed,
    renew,
)
from shared.contracts.documents.enhancements import OLD_EPOCH, Enhancement
from shared.contracts.documents.leases import LeaseLedger
from shared.contracts.events import (
    EnhancementAdvised,
    EnhancementCleared,
    EnhancementExpired,
    EnhancementRejected,
    EnhancementSuperseded,
)
from shared.contracts.states import TASK, EnhancementState, TaskState
from shared.contracts.work import ProposalCleared, ProposalSubmitted
from shared.targets.paths import matches

STUCK_AFTER = timedelta(seconds=10)


async def clear_proposal(event: ProposalSubmitted, deps: ResolverDeps) -> None:
    """Decide on a new proposal, and publish how it was decided.

    It is cleared, waits for another one that it overlaps, or ends: rejected, expired or superseded,
    or as advice.
    """
    change = await deps.store.enhancements.require(event.enhancement_id)
    if change.state is EnhancementState.PROPOSED:
        change = await _decide_on(change, event.epoch, deps)
    await _publish_outcome(change, deps)
    await release_proposed(change.target_id, change.task_id, change.proposal.epoch, deps)


async def _decide_on(change: Enhancement, epoch: int, deps: ResolverDeps) -> Enhancement:
    """Decide on a proposal: is its task open, does its lease hold, does it overlap another one?

    One of an epoch that has ended expires without blame: its task is repeated. Returns it as
    stored.
    """
    task = await deps.store.tasks.require(change.task_id)
    if TASK.terminal(task.state):
        return await _end(change, "expire", f"its task is {task.state}", deps)
    ledger = await deps.store.leases.get(change.target_id) or LeaseLedger(id=change.target_id)
    lease = leases.current(ledger, change.task_id, epoch, now=deps.clock())
    if lease is None or change.proposal.epoch != epoch:
        reason = f"{OLD_EPOCH}: its task no longer holds the lease under epoch "
        return await _end(change, "expire", f"{reason}{change.proposal.epoch}", deps)
    if outside := [path for path in change.proposal.files if not matches(path, lease.paths)]:
        reason = f"outside-lease: {', '.join(outside[:5])} is not in {lease.component}"
        return await _end(change, "reject", reason, deps)
    if change.proposal.patch is None:
        return await _end(change, "advise", "", deps)
    return await conflicts.place(change, deps)


async def _end(change: Enhancement, trigger: str, reason: str, deps: ResolverDeps) -> Enhancement:
    """End a proposal by `trigger`, unless its state has moved on; return it as stored."""
    now = deps.clock()
    ended = await deps.store.enhancements.transition(
        change, trigger, decision__reason=reason, changed_at=now, finished_at=now
    )
    return ended or await deps.store.enhancements.require(change.id)


async def _publish_outcome(change: Enhancement, deps: ResolverDeps) -> None:
    """Publish what the resolver decided on `change`; a repetition is stored once.

    Nothing is published in other states, or for a rejection with tests: that is the gate's.
    """
    common = {
        "enhancement_id": change.id,
        "wave_id": change.wave_id,
        "target_id": change.target_id,
    }
    if change.state is EnhancementState.CLEARED:
        # One that had to wait may be cleared again, which is another event.
        waits = sum(each.state == EnhancementState.CONFLICTING for each in change.history)
        key = f"{change.id}:{waits}" if waits else change.id
        cleared = EnhancementCleared(**common, title=change.proposal.title)
        await deps.bus.publish(cleared, key=key, wave=change.wave_id)
        handover = ProposalCleared(**common, epoch=change.proposal.epoch)
        await deps.bus.publish(handover, key=key, wave=change.wave_id)
    elif change.state is EnhancementState.SUPERSEDED:
        superseded = EnhancementSuperseded(
            **common, title=change.proposal.title, reason=change.decision.reason
        )
        await deps.bus.publish(superseded, key=change.id, wave=change.wave_id)
    elif change.state is EnhancementState.ADVISORY:
        advised = EnhancementAdvised(**common, title=change.proposal.title)
        await deps.bus.publish(advised, key=change.id, wave=change.wave_id)
    elif change.state is EnhancementState.EXPIRED:
        expired = EnhancementExpired(
            **common, title=change.proposal.title, reason=change.decision.reason
        )
        await deps.bus.publish(expired, key=change.id, wave=change.wave_id)
    elif change.state is EnhancementState.REJECTED and not change.decision.tests:
        refused = EnhancementRejected(
            **common, title=change.proposal.title, reason=change.decision.reason
        )
        await deps.bus.publish(refused, key=change.id, wave=change.wave_id)


async def reconcile(deps: ResolverDeps) -> None:
    """Keep and end leases as their tasks require, and decide on proposals stuck for 10 s."""
    await reconcile_leases(deps)
    now = deps.clock()
    for change in await deps.store.enhancements.find(state=EnhancementState.PROPOSED):
        if now - change.changed_at > STUCK_AFTER and not await _is_being_made(change, deps):
            change = await _decide_on(change, change.proposal.epoch, deps)  # noqa: PLW2901
            await _publish_outcome(change, deps)


async def _is_being_made(change: Enhancement, deps: ResolverDeps) -> bool:
    """Return whether an agent is still at a proposal's task, and may not have stored all others."""
    task = await deps.store.tasks.require(change.task_id)
    at_work = task.state in {TaskState.ASSIGNED, TaskState.RUNNING}
    return at_work and task.epoch == change.proposal.epoch


async def settle_conflicts(deps: ResolverDeps) -> None:
    """Resolve conflicts whose first proposal has ended, and publish what became of the second."""
    for change in await conflicts.settle(deps):
        await _publish_outcome(change, deps)


__all__ = [
    "ResolverDeps",
    "acquire",
    "clear_proposal",
    "extend",
    "reconcile",
    "release",
    "renew",
    "settle_conflicts",
]
