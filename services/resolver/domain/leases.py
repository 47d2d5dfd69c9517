"""Leases: exclusive, all or nothing, with an epoch that only grows (a fencing token).

A ledger holds every lease of one target, so a grant is one compare-and-swap of one document. Each
function takes a ledger and returns the next one; the given one stays unchanged.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.resolver.domain.overlaps import overlap
from shared.contracts.documents.leases import Lease, LeaseLedger
from shared.contracts.states import LeaseState

LEASE_TTL = timedelta(seconds=30)
# Ended leases stay in the ledger for inspection.
MAX_ENDED_LEASES = 50


@dataclass(frozen=True)
class Claim:
    """A request of a task to change the files that match `paths`."""

    task_id: str
    wave_id: str
    component: str
    paths: tuple[str, ...]


@dataclass(frozen=True)
class Granted:
    """A granted lease, and the ledger with it."""

    ledger: LeaseLedger
    lease: Lease


@dataclass(frozen=True)
class Refused:
    """The reason why a lease is not granted or renewed."""

    reason: str


def acquire(ledger: LeaseLedger, claim: Claim, *, now: datetime) -> Granted | Refused:
    """Grant a lease under a new epoch, unless it overlaps one that another task holds.

    A task that holds a lease already gets that one again.
    """
    for held in holders(ledger, now=now):
        if held.task_id == claim.task_id:
            return Granted(ledger, held)
        if overlap(held.paths, claim.paths):
            return Refused(f"{held.component} is leased to task {held.task_id}")
    lease = Lease(
        task_id=claim.task_id,
        wave_id=claim.wave_id,
        component=claim.component,
        paths=claim.paths,
        epoch=ledger.epoch + 1,
        expires_at=now + LEASE_TTL,
    )
    return Granted(_with_leases(ledger, (*ledger.leases, lease), epoch=lease.epoch), lease)


def renew(ledger: LeaseLedger, task_id: str, epoch: int, *, now: datetime) -> Granted | Refused:
    """Extend a lease, for the holder with the present epoch only."""
    lease = current(ledger, task_id, epoch, now=now)
    if lease is None:
        return Refused(f"task {task_id} does not hold epoch {epoch}")
    longer = lease.model_copy(update={"expires_at": now + LEASE_TTL})
    return Granted(_replace(ledger, lease, longer), longer)


def release(ledger: LeaseLedger, task_id: str) -> tuple[LeaseLedger, tuple[Lease, ...]]:
    """End the lease of a task, if it holds one. Return the ledger and the ended leases."""
    return _end_leases(ledger, LeaseState.RELEASED, lambda lease: lease.task_id == task_id)


def expire(ledger: LeaseLedger, *, now: datetime) -> tuple[LeaseLedger, tuple[Lease, ...]]:
    """End the leases that were not renewed in time. Return the ledger and the ended leases."""
    return _end_leases(ledger, LeaseState.EXPIRED, lambda lease: lease.expires_at <= now)


def current(ledger: LeaseLedger, task_id: str, epoch: int, *, now: datetime) -> Lease | None:
    """Return the lease that a task holds under this epoch, or None."""
    return next(
        (
            each
            for each in holders(ledger, now=now)
            if (each.task_id, each.epoch) == (task_id, epoch)
        ),
        None,
    )


def holders(ledger: LeaseLedger, *, now: datetime) -> tuple[Lease, ...]:
    """Return the leases that are held and have not expired."""
    return tuple(
        each for each in ledger.leases if each.state is LeaseState.HELD and each.expires_at > now
    )


def _end_leases(
    ledger: LeaseLedger, state: LeaseState, chosen: Callable[[Lease], bool]
) -> tuple[LeaseLedger, tuple[Lease, ...]]:
    """End the held leases that are `chosen`; return the ledger after it and the ended leases."""
    ended = tuple(
        each.model_copy(update={"state": state})
        for each in ledger.leases
        if each.state is LeaseState.HELD and chosen(each)
    )
    if not ended:
        return ledger, ()
    epochs = {each.epoch for each in ended}
    others = tuple(each for each in ledger.leases if each.epoch not in epochs)
    return _with_leases(ledger, (*others, *ended)), ended


def _replace(ledger: LeaseLedger, old: Lease, new: Lease) -> LeaseLedger:
    """Return the ledger with the lease `new` in the place of `old`."""
    return _with_leases(ledger, tuple(new if each == old else each for each in ledger.leases))


def _with_leases(
    ledger: LeaseLedger, leases: tuple[Lease, ...], *, epoch: int | None = None
) -> LeaseLedger:
    """Return the ledger with these leases, but only the newest 50 of the ended ones."""
    held = tuple(each for each in leases if each.state is LeaseState.HELD)
    ended = tuple(each for each in leases if each.state is not LeaseState.HELD)[-MAX_ENDED_LEASES:]
    new_epoch = ledger.epoch if epoch is None else epoch
    return ledger.model_copy(update={"leases": ended + held, "epoch": new_epoch})
