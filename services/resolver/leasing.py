"""Use cases of leases: each decides on a ledger, saves by compare-and-swap, and publishes.

The ledger in MongoDB is the authority. What a process remembers of it only saves reading all of it
for every decision: a change is saved if the version is still the one that was decided on, and where
nothing is to be saved the version is looked up.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from services.resolver.deps import ResolverDeps
from services.resolver.domain import leases
from services.resolver.domain.book import LeaseBook
from services.resolver.domain.leases import Claim, Ended, Granted, Refused
from shared.contracts.answers import Acknowledgement
from shared.contracts.commands import (
    AcquireLease,
    ExtendLease,
    LeaseGrant,
    ReleaseLease,
    RenewLease,
)
from shared.contracts.documents.leases import Lease, LeaseLedger
from shared.contracts.documents.waves import Task
from shared.contracts.events import LeaseExpired, LeaseGranted, LeaseReleased
from shared.contracts.states import TASK, EnhancementState, LeaseState, TaskState
from shared.kernel.errors import Transient
from shared.kernel.failpoints import failpoint

# A lost compare-and-swap means that another one succeeded; so many in a row point to a defect.
MAX_LEDGER_ATTEMPTS = 8

D = TypeVar("D", Granted | Refused, Ended)


async def acquire(request: AcquireLease, deps: ResolverDeps) -> LeaseGrant:
    """Grant and publish the whole claim, or return why it is refused."""
    claim = Claim(
        request.task_id, request.wave_id, request.component, request.paths, request.priority
    )
    decision = await _decide(
        request.target_id, lambda book: leases.acquire(book, claim, now=deps.clock()), deps
    )
    if isinstance(decision, Refused):
        return LeaseGrant(granted=False, reason=decision.reason)
    failpoint("lease.granted")
    await _publish_lease_event(LeaseGranted, request.target_id, decision.lease, deps)
    return LeaseGrant(granted=True, epoch=decision.lease.epoch)


async def extend(request: ExtendLease, deps: ResolverDeps) -> LeaseGrant:
    """Add paths to a lease that is held under this epoch, or return why that is refused."""
    task_id, epoch, paths = request.task_id, request.epoch, request.paths
    decision = await _decide(
        request.target_id,
        lambda book: leases.extend(book, task_id, epoch, paths, now=deps.clock()),
        deps,
    )
    return _answer(decision)


async def renew(request: RenewLease, deps: ResolverDeps) -> LeaseGrant:
    """Prolong a lease that is still held under this epoch; for any other, return the refusal."""
    task_id, epoch = request.task_id, request.epoch
    decision = await _decide(
        request.target_id, lambda book: leases.renew(book, task_id, epoch, now=deps.clock()), deps
    )
    return _answer(decision)


async def release(request: ReleaseLease, deps: ResolverDeps) -> Acknowledgement:
    """End the lease of a task and publish that, if it holds one."""
    await _end(request.target_id, lambda book: leases.release(book, request.task_id), deps)
    return Acknowledgement()


async def release_proposed(target_id: str, task_id: str, epoch: int, deps: ResolverDeps) -> None:
    """End the lease of a task once none of its proposals waits for the resolver any more.

    An agent stores all proposals before it submits the first, and the gate needs no lease: it has
    the commit that they were made on. So another agent need not wait for the gate.
    """
    undecided = {"task_id": task_id, "state": EnhancementState.PROPOSED}
    if not await deps.store.enhancements.exists(**undecided):
        await _end(target_id, lambda book: leases.release(book, task_id, epoch), deps)


async def reconcile_leases(deps: ResolverDeps) -> None:
    """Keep the leases of tasks that nobody works on, and end old ones; publish all ends.

    Those are tasks that wait for their agent, or whose proposals are undecided. A lease is old if
    it was not renewed in time, or its task has proposed or ended.
    """
    for ledger in await deps.store.leases.find():
        tasks = {each.id: each for each in await deps.store.tasks.find_by_ids([*ledger.held])}
        for lease in ledger.held.values():
            await _follow_task(ledger.id, lease, tasks.get(lease.task_id), deps)
        await _end(ledger.id, lambda book: leases.expire(book, now=deps.clock()), deps)


async def _follow_task(target_id: str, lease: Lease, task: Task | None, deps: ResolverDeps) -> None:
    """Renew or release the lease of a task whose agent does not do that yet, or any more.

    An agent that waits for a slot keeps its lease; once it is at work, its process renews it.
    """
    if task is None or TASK.terminal(task.state):
        await _end(target_id, lambda book: leases.release(book, lease.task_id), deps)
    elif task.state in {TaskState.ASSIGNED, TaskState.PROPOSED} and task.epoch == lease.epoch:
        request = RenewLease(target_id=target_id, task_id=lease.task_id, epoch=lease.epoch)
        await renew(request, deps)
        if task.state is TaskState.PROPOSED:
            await release_proposed(target_id, lease.task_id, lease.epoch, deps)


def _answer(decision: Granted | Refused) -> LeaseGrant:
    """Return a decision as the answer to who asked for it."""
    if isinstance(decision, Refused):
        return LeaseGrant(granted=False, reason=decision.reason)
    return LeaseGrant(granted=True, epoch=decision.lease.epoch)


async def _decide(target_id: str, decide: Callable[[LeaseBook], D], deps: ResolverDeps) -> D:
    """Decide on the ledger of a target and save what that changes; publish the leases it ends.

    It decides again if the ledger is another one by now. Raises `Transient` if that is so too
    often.
    """
    async with deps.ledger_locks[target_id]:
        for _ in range(MAX_LEDGER_ATTEMPTS):
            book = await _book(target_id, deps)
            decision = decide(book)
            if await _save(target_id, book, decision, deps):
                await _publish_ends(target_id, book, deps)
                return decision
    raise Transient("The lease ledger is busy.")


async def _end(target_id: str, end: Callable[[LeaseBook], Ended], deps: ResolverDeps) -> None:
    """End leases by `end`, and publish that. Raises `Transient` if the ledger is busy."""
    await _decide(target_id, end, deps)


async def _book(target_id: str, deps: ResolverDeps) -> LeaseBook:
    """Return the ledger of a target as it is remembered, else as stored.

    Where there is none, an empty one is stored. It may have been lost: no epoch that a task of the
    target has had is given out again.
    """
    if target_id not in deps.books:
        ledger = await deps.store.leases.get(target_id)
        if ledger is None:
            epochs = await deps.store.tasks.field_values("epoch", target_id=target_id)
            await deps.store.leases.insert(LeaseLedger(id=target_id, epoch=max(epochs, default=0)))
            ledger = await deps.store.leases.require(target_id)
        deps.books[target_id] = LeaseBook(ledger)
    return deps.books[target_id]


async def _save(
    target_id: str, book: LeaseBook, decision: Granted | Refused | Ended, deps: ResolverDeps
) -> bool:
    """Save what a decision changes; return False if it was made on an old version of the ledger.

    Whatever goes wrong, what is remembered is then forgotten.
    """
    del deps.books[target_id]
    if decision.change:
        entries = decision.change.entries()
        saved = await deps.store.leases.save_entries(target_id, book.version, entries)
        failpoint("lease.saved")
        if saved:
            book.apply(decision.change)
    else:
        saved = await deps.store.leases.field_values("version", id=target_id) == [book.version]
    if saved:
        deps.books[target_id] = book
    return saved


async def _publish_ends(target_id: str, book: LeaseBook, deps: ResolverDeps) -> None:
    """Publish the leases that have ended, and take them out of the ledger.

    What a process that died did not publish is still there, and the same again is stored once.
    """
    ended = list(book.ended.values())
    await asyncio.gather(*(_publish_end(target_id, each, deps) for each in ended))
    if ended:
        failpoint("lease.published")
        # If the ledger has changed meanwhile, the next decision publishes and takes out again.
        await _save(target_id, book, leases.forget(book, [each.epoch for each in ended]), deps)


async def _publish_end(target_id: str, lease: Lease, deps: ResolverDeps) -> None:
    """Publish that a lease was released or has expired."""
    kind = LeaseReleased if lease.state is LeaseState.RELEASED else LeaseExpired
    await _publish_lease_event(kind, target_id, lease, deps)


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
