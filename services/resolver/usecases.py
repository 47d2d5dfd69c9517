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
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.leases import Lease, LeaseLedger
from shared.contracts.events import (
    EnhancementAdvised,
    EnhancementCleared,
    EnhancementExpired,
    EnhancementRejected,
    EnhancementSuperseded,
)
from shared.contracts.states import TASK, EnhancementState
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

    Returns it as stored.
    """
    task = await deps.store.tasks.require(change.task_id)
    now = deps.clock()
    if TASK.terminal(task.state):
        moved = await deps.store.enhancements.transition(
            change,
            "expire",
            decision__reason=f"its task is {task.state}",
            changed_at=now,
            finished_at=now,
        )
        return moved or await deps.store.enhancements.require(change.id)
    ledger = await deps.store.leases.get(change.target_id) or LeaseLedger(id=change.target_id)
    lease = leases.current(ledger, change.task_id, epoch, now=now)
    problem = objection(change, lease, epoch)
    if problem is None and change.proposal.patch is None:
        moved = await deps.store.enhancements.transition(
            change, "advise", changed_at=now, finished_at=now
        )
    elif problem is None:
        return await conflicts.place(change, deps)
    else:
        moved = await deps.store.enhancements.transition(
            change, "reject", decision__reason=problem, changed_at=now, finished_at=now
        )
    return moved or await deps.store.enhancements.require(change.id)


def objection(change: Enhancement, lease: Lease | None, epoch: int) -> str | None:
    """Return why a proposal must be rejected, or None if its lease is held and covers its files."""
    if lease is None or change.proposal.epoch != epoch:
        return f"old-epoch: its task no longer holds the lease under epoch {change.proposal.epoch}"
    outside = [path for path in change.proposal.files if not matches(path, lease.paths)]
    if outside:
        return f"outside-lease: {', '.join(outside[:5])} is not in {lease.component}"
    return None


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
        if now - change.changed_at > STUCK_AFTER:
            change = await _decide_on(change, change.proposal.epoch, deps)  # noqa: PLW2901
            await _publish_outcome(change, deps)


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
