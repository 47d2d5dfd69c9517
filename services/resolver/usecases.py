"""Use cases of the resolver: grant, renew and end leases, and clear proposals."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from services.resolver.domain import leases
from services.resolver.domain.leases import Claim, Granted, Refused
from shared.contracts.answers import Acknowledgement
from shared.contracts.commands import AcquireLease, LeaseGrant, ReleaseLease, RenewLease
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.leases import Lease, LeaseLedger
from shared.contracts.events import (
    EnhancementAdvised,
    EnhancementCleared,
    EnhancementExpired,
    EnhancementRejected,
    LeaseExpired,
    LeaseGranted,
    LeaseReleased,
)
from shared.contracts.states import TASK, EnhancementState, LeaseState, TaskState
from shared.contracts.work import ProposalCleared, ProposalSubmitted
from shared.kernel.clock import Clock
from shared.kernel.errors import Transient
from shared.messaging.ports import Publisher
from shared.mongo.collections import Store
from shared.targets.paths import matches

# A lost compare-and-swap means that another one succeeded; so many in a row point to a defect.
MAX_LEDGER_ATTEMPTS = 8
STUCK_AFTER = timedelta(seconds=10)


@dataclass(frozen=True)
class ResolverDeps:
    """The ports of the use cases."""

    store: Store
    bus: Publisher
    clock: Clock


async def acquire(request: AcquireLease, deps: ResolverDeps) -> LeaseGrant:
    """End expired leases, then grant and publish the whole claim, or return why it is refused."""
    claim = Claim(request.task_id, request.wave_id, request.component, request.paths)

    def decide(ledger: LeaseLedger) -> Granted | Refused:
        """Grant or refuse the claim on this ledger."""
        return leases.acquire(ledger, claim, now=deps.clock())

    # Expired leases end first, with their events, so that they make room.
    now = deps.clock()
    await _end_leases(request.target_id, lambda ledger: leases.expire(ledger, now=now), deps)
    decision = await _decide(request.target_id, decide, deps)
    if isinstance(decision, Refused):
        return LeaseGrant(granted=False, reason=decision.reason)
    await _publish_lease_event(LeaseGranted, request.target_id, decision.lease, deps)
    return LeaseGrant(granted=True, epoch=decision.lease.epoch)


async def renew(request: RenewLease, deps: ResolverDeps) -> LeaseGrant:
    """Extend a lease that is still held under this epoch; for any other, return the refusal."""

    def decide(ledger: LeaseLedger) -> Granted | Refused:
        """Extend the lease on this ledger, or refuse to."""
        return leases.renew(ledger, request.task_id, request.epoch, now=deps.clock())

    decision = await _decide(request.target_id, decide, deps)
    if isinstance(decision, Refused):
        return LeaseGrant(granted=False, reason=decision.reason)
    return LeaseGrant(granted=True, epoch=request.epoch)


async def release(request: ReleaseLease, deps: ResolverDeps) -> Acknowledgement:
    """End the lease of a task and publish that, if it holds one."""
    await _end_leases(
        request.target_id, lambda ledger: leases.release(ledger, request.task_id), deps
    )
    return Acknowledgement()


async def _decide(
    target_id: str, decide: Callable[[LeaseLedger], Granted | Refused], deps: ResolverDeps
) -> Granted | Refused:
    """Apply `decide` to the ledger and save the result, again if the ledger changed meanwhile.

    Raises `Transient` if it changes too often.
    """
    for _ in range(MAX_LEDGER_ATTEMPTS):
        ledger = await _ledger(target_id, deps)
        decision = decide(ledger)
        if isinstance(decision, Refused) or decision.ledger == ledger:
            return decision
        if await deps.store.leases.save(decision.ledger):
            return decision
    raise Transient("The lease ledger is busy.")


async def _ledger(target_id: str, deps: ResolverDeps) -> LeaseLedger:
    """Return the lease ledger of a target; an empty one is stored if it has none."""
    ledger = await deps.store.leases.get(target_id)
    if ledger is None:
        await deps.store.leases.insert(LeaseLedger(id=target_id))
        ledger = await deps.store.leases.require(target_id)
    return ledger


async def _end_leases(
    target_id: str,
    end: Callable[[LeaseLedger], tuple[LeaseLedger, tuple[Lease, ...]]],
    deps: ResolverDeps,
) -> None:
    """End leases by `end` and publish each. Raises `Transient` if the ledger changes too often."""
    for _ in range(MAX_LEDGER_ATTEMPTS):
        ledger = await _ledger(target_id, deps)
        after, ended = end(ledger)
        if not ended or await deps.store.leases.save(after):
            for lease in ended:
                kind = LeaseReleased if lease.state is LeaseState.RELEASED else LeaseExpired
                await _publish_lease_event(kind, target_id, lease, deps)
            return
    raise Transient("The lease ledger is busy.")


async def _publish_lease_event(
    kind: type[LeaseGranted | LeaseReleased | LeaseExpired],
    target_id: str,
    lease: Lease,
    deps: ResolverDeps,
) -> None:
    """Publish an event of this kind about a lease; the same one again is stored once."""
    fields = {
        "wave_id": lease.wave_id,
        "target_id": target_id,
        "task_id": lease.task_id,
        "component": lease.component,
    }
    if kind is LeaseGranted:
        fields["epoch"] = str(lease.epoch)
    key = f"{target_id}:{lease.epoch}"
    await deps.bus.publish(kind.model_validate(fields), key=key, wave=lease.wave_id)


async def clear_proposal(event: ProposalSubmitted, deps: ResolverDeps) -> None:
    """Clear, reject or expire a new proposal, or mark it as advice; publish how it was decided."""
    change = await deps.store.enhancements.require(event.enhancement_id)
    if change.state is EnhancementState.PROPOSED:
        change = await _decide_on(change, event.epoch, deps)
    await _publish_outcome(change, deps)


async def _decide_on(change: Enhancement, epoch: int, deps: ResolverDeps) -> Enhancement:
    """Clear or reject a proposal, expire it if its task is over, or advise; return it as stored."""
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
    ledger = await _ledger(change.target_id, deps)
    lease = leases.current(ledger, change.task_id, epoch, now=now)
    problem = objection(change, lease, epoch)
    if problem is None and change.proposal.patch is None:
        moved = await deps.store.enhancements.transition(
            change, "advise", changed_at=now, finished_at=now
        )
    elif problem is None:
        moved = await deps.store.enhancements.transition(change, "clear", changed_at=now)
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
        cleared = EnhancementCleared(**common, title=change.proposal.title)
        await deps.bus.publish(cleared, key=change.id, wave=change.wave_id)
        handover = ProposalCleared(**common, epoch=change.proposal.epoch)
        await deps.bus.publish(handover, key=change.id, wave=change.wave_id)
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
    """Renew leases of tasks in the gate, end old ones, and decide on proposals stuck for 10 s.

    A lease is old if it was not renewed in time, or its task has ended.
    """
    now = deps.clock()
    for ledger in await deps.store.leases.find():
        for lease in leases.holders(ledger, now=now):
            task = await deps.store.tasks.get(lease.task_id)
            if task is not None and task.state is TaskState.PROPOSED:
                await _renew_while_in_gate(ledger.id, lease, deps)
            elif task is None or TASK.terminal(task.state):
                await _end_leases(ledger.id, _releasing(lease.task_id), deps)
        await _end_leases(ledger.id, lambda each: leases.expire(each, now=now), deps)
    for change in await deps.store.enhancements.find(state=EnhancementState.PROPOSED):
        if now - change.changed_at > STUCK_AFTER:
            change = await _decide_on(change, change.proposal.epoch, deps)  # noqa: PLW2901
            await _publish_outcome(change, deps)


def _releasing(task_id: str) -> Callable[[LeaseLedger], tuple[LeaseLedger, tuple[Lease, ...]]]:
    """Return a function that ends the task's lease in a ledger, as `_end_leases` takes it."""
    return lambda ledger: leases.release(ledger, task_id)


async def _renew_while_in_gate(target_id: str, lease: Lease, deps: ResolverDeps) -> None:
    """Renew the lease of a task that has proposed, as its agent no longer does."""
    request = RenewLease(target_id=target_id, task_id=lease.task_id, epoch=lease.epoch)
    await renew(request, deps)


__all__ = ["ResolverDeps", "acquire", "clear_proposal", "reconcile", "release", "renew"]
