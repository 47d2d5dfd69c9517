"""Leases: exclusive, all or nothing, with an epoch that only grows (a fencing token).

A ledger holds every lease of one target, so a grant is one compare-and-swap of one document. The
functions decide on a `LeaseBook`, which they leave as it is; they return the change that the caller
is to save and then to apply. Whatever two clocks say, no two leases in a ledger overlap: a grant
over a lease that was not renewed in time ends it in the same change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.resolver.domain.book import LeaseBook, LedgerChange
from shared.contracts.base import Priority
from shared.contracts.documents.leases import Lease, LeaseLedger, WaitingClaim
from shared.contracts.states import LeaseState

LEASE_TTL = timedelta(seconds=30)
# A refused claim that is not made again within this time loses its place.
WAITING_TTL = timedelta(seconds=30)
# That it was made again is not saved more often than this.
WAITING_RESOLUTION = WAITING_TTL / 3
# A claim that has waited so long goes before a new one of the next higher priority.
AGEING = timedelta(minutes=1)
NO_CHANGE = LedgerChange()
LEVELS = (Priority.LOW, Priority.NORMAL, Priority.HIGH, Priority.CRITICAL)


@dataclass(frozen=True)
class Claim:
    """A request of a task to change the files that match `paths`."""

    task_id: str
    wave_id: str
    component: str
    paths: tuple[str, ...]
    priority: Priority = Priority.NORMAL


@dataclass(frozen=True)
class Granted:
    """A granted lease, and what that changes."""

    lease: Lease
    change: LedgerChange = NO_CHANGE


@dataclass(frozen=True)
class Refused:
    """The reason why a lease is not granted, extended or renewed, and what that changes."""

    reason: str
    change: LedgerChange = NO_CHANGE


@dataclass(frozen=True)
class Ended:
    """The leases and claims that end."""

    change: LedgerChange


def acquire(book: LeaseBook, claim: Claim, *, now: datetime) -> Granted | Refused:
    """Grant a lease under a new epoch, unless another task holds or waits for a part of it.

    A task that holds a lease already gets that one again. Of claims that wait, only those stand in
    the way that rank higher.
    """
    mine = book.held.get(claim.task_id)
    if mine is not None and mine.expires_at > now:
        return Granted(mine)
    over = [book.held[each] for each in book.leases.overlapping(claim.task_id, claim.paths)]
    if held := [each for each in over if each.expires_at > now]:
        return _refuse(book, claim, f"{held[0].component} is leased to task {held[0].task_id}", now)
    if first := _ahead(book, claim, now):
        return _refuse(book, claim, f"{first.component} is kept for task {first.task_id}", now)
    lease = Lease(
        task_id=claim.task_id,
        wave_id=claim.wave_id,
        component=claim.component,
        paths=claim.paths,
        epoch=book.epoch + 1,
        expires_at=now + LEASE_TTL,
    )
    ending = _ending([*over, *([mine] if mine else [])], LeaseState.EXPIRED)
    waited = {claim.task_id: None} if claim.task_id in book.waiting else {}
    change = LedgerChange(
        held={**ending.held, claim.task_id: lease},
        waiting=waited,
        ended=ending.ended,
        epoch=lease.epoch,
    )
    return Granted(lease, change)


def extend(
    book: LeaseBook, task_id: str, epoch: int, paths: Sequence[str], *, now: datetime
) -> Granted | Refused:
    """Add paths to a lease for the holder with the present epoch, or refuse that at once.

    Nobody waits while holding a lease, so no two can wait for each other.
    """
    lease = _current(book.held.get(task_id), epoch, now)
    if lease is None:
        return _not_held(task_id, epoch)
    added = [each for each in dict.fromkeys(paths) if each not in lease.paths]
    if not added:
        return Granted(lease)
    over = [book.held[each] for each in book.leases.overlapping(task_id, added)]
    if held := [each for each in over if each.expires_at > now]:
        return Refused(f"{held[0].component} is leased to task {held[0].task_id}")
    wider = lease.model_copy(update={"paths": (*lease.paths, *added)})
    ending = _ending(over, LeaseState.EXPIRED)
    return Granted(wider, LedgerChange(held={**ending.held, task_id: wider}, ended=ending.ended))


def renew(book: LeaseBook, task_id: str, epoch: int, *, now: datetime) -> Granted | Refused:
    """Prolong a lease, for the holder with the present epoch only; it never becomes shorter."""
    lease = _current(book.held.get(task_id), epoch, now)
    if lease is None:
        return _not_held(task_id, epoch)
    until = max(lease.expires_at, now + LEASE_TTL)
    if until == lease.expires_at:
        return Granted(lease)
    longer = lease.model_copy(update={"expires_at": until})
    return Granted(longer, LedgerChange(held={task_id: longer}))


def release(book: LeaseBook, task_id: str, epoch: int | None = None) -> Ended:
    """End the lease of a task, of this epoch only if one is given, and its refused claim."""
    lease = book.held.get(task_id)
    ending = NO_CHANGE
    if lease is not None and epoch in {None, lease.epoch}:
        ending = _ending([lease], LeaseState.RELEASED)
    waited = {task_id: None} if epoch is None and task_id in book.waiting else {}
    return Ended(LedgerChange(held=ending.held, ended=ending.ended, waiting=waited))


def expire(book: LeaseBook, *, now: datetime) -> Ended:
    """End the leases that were not renewed in time, and the claims that were not made again."""
    late = [each for each in book.held.values() if each.expires_at <= now]
    ending = _ending(late, LeaseState.EXPIRED)
    given_up = {key: None for key, each in book.waiting.items() if not _is_waiting(each, now)}
    return Ended(LedgerChange(held=ending.held, ended=ending.ended, waiting=given_up))


def forget(book: LeaseBook, epochs: Sequence[int]) -> Ended:
    """Take out ended leases, whose end is published."""
    return Ended(
        LedgerChange(ended={str(each): None for each in epochs if str(each) in book.ended})
    )


def current(ledger: LeaseLedger, task_id: str, epoch: int, *, now: datetime) -> Lease | None:
    """Return the lease that a task holds under this epoch, or None."""
    return _current(ledger.held.get(task_id), epoch, now)


def _current(lease: Lease | None, epoch: int, now: datetime) -> Lease | None:
    """Return a lease if it is held under this epoch and has not expired, else None."""
    is_current = lease is not None and lease.epoch == epoch and lease.expires_at > now
    return lease if is_current else None


def _not_held(task_id: str, epoch: int) -> Refused:
    """Return the refusal of what only the holder of a lease may ask."""
    return Refused(f"task {task_id} does not hold epoch {epoch}")


def _ending(leases: Sequence[Lease], state: LeaseState) -> LedgerChange:
    """Return the change that ends these leases; each is kept until its end is published."""
    return LedgerChange(
        held=dict.fromkeys((each.task_id for each in leases), None),
        ended={str(each.epoch): each.model_copy(update={"state": state}) for each in leases},
    )


def _refuse(book: LeaseBook, claim: Claim, reason: str, now: datetime) -> Refused:
    """Refuse a claim, and note that it waits; it keeps its place if it waited before."""
    known = book.waiting.get(claim.task_id)
    since = known.since if known is not None and _is_waiting(known, now) else now
    waiting = WaitingClaim(
        task_id=claim.task_id,
        component=claim.component,
        paths=claim.paths,
        priority=claim.priority,
        since=since,
        asked_at=now,
    )
    if known is not None and now - known.asked_at < WAITING_RESOLUTION:
        unchanged = waiting.model_copy(update={"asked_at": known.asked_at})
        if unchanged == known:
            return Refused(reason)
    return Refused(reason, LedgerChange(waiting={claim.task_id: waiting}))


def _ahead(book: LeaseBook, claim: Claim, now: datetime) -> WaitingClaim | None:
    """Return a waiting claim on a part of the same paths that goes before this one, or None."""
    known = book.waiting.get(claim.task_id)
    since = known.since if known is not None and _is_waiting(known, now) else now
    mine = _rank(claim.priority, since, claim.task_id)
    for each in book.claims.overlapping(claim.task_id, claim.paths):
        other = book.waiting[each]
        if _is_waiting(other, now) and _rank(other.priority, other.since, each) < mine:
            return other
    return None


def _is_waiting(claim: WaitingClaim, now: datetime) -> bool:
    """Return whether a refused claim was made again recently."""
    return now - claim.asked_at < WAITING_TTL


def _rank(priority: Priority, since: datetime, task_id: str) -> tuple[datetime, str]:
    """Return the place of a claim in the line, which is the same at any time; the least is first.

    A claim with a higher priority counts as one that was made earlier, so each of them ages past
    all that are made late enough.
    """
    return since - LEVELS.index(priority) * AGEING, task_id


def holders(book: LeaseBook, *, now: datetime) -> tuple[Lease, ...]:
    """Return the leases that are held and have not expired."""
    return tuple(each for each in book.held.values() if each.expires_at > now)
