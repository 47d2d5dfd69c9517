"""What clients are shown of targets, and of the leases on them."""

from datetime import datetime

from shared.contracts.base import Id, Value
from shared.contracts.documents.leases import LeaseLedger
from shared.contracts.documents.targets import Target


class TargetView(Value):
    """A repository that is improved, and one base branch of it."""

    id: Id
    name: str
    location: str
    base_branch: str
    landing_branch: str
    created_at: datetime


class LeaseView(Value):
    """A lease that is held: the exclusive right of a task to change `paths` until `expires_at`."""

    target_id: Id
    task_id: Id
    wave_id: Id
    component: str
    paths: tuple[str, ...]
    epoch: int
    expires_at: datetime


class LeaseClaimView(Value):
    """A claim that waits for leases of others to end, since a time."""

    target_id: Id
    task_id: Id
    component: str
    paths: tuple[str, ...]
    priority: str
    since: datetime


class Leases(Value):
    """The leases that are held on targets, by their epochs, and the claims that wait for them."""

    held: tuple[LeaseView, ...]
    waiting: tuple[LeaseClaimView, ...]


def target_view(target: Target) -> TargetView:
    """Return what clients are shown of a target."""
    return TargetView.model_validate(target.model_dump())


def leases_in(ledgers: list[LeaseLedger]) -> Leases:
    """Return what clients are shown of some targets' ledgers."""
    held = [
        LeaseView(target_id=ledger.id, **lease.model_dump(exclude={"state"}))
        for ledger in ledgers
        for lease in ledger.held.values()
    ]
    waiting = [
        LeaseClaimView(target_id=ledger.id, **claim.model_dump(exclude={"asked_at"}))
        for ledger in ledgers
        for claim in ledger.waiting.values()
    ]
    return Leases(
        held=tuple(sorted(held, key=lambda each: (each.target_id, each.epoch))),
        waiting=tuple(sorted(waiting, key=lambda each: (each.target_id, each.since))),
    )
