"""Leases on components, and leader leases of services."""

from datetime import datetime

from shared.contracts.base import (
    Id,
    Value,
)
from shared.contracts.documents.base import Document
from shared.contracts.states import (
    LeaseState,
)


class Lease(Value):
    """An entry in the lease ledger of a target: an exclusive right to change `paths` while held."""

    task_id: Id
    wave_id: Id
    component: str
    paths: tuple[str, ...]
    epoch: int
    state: LeaseState = LeaseState.HELD
    expires_at: datetime


class LeaseLedger(Document):
    """All leases of one target in one document, so that a grant is one compare-and-swap.

    `id` is that of the target. `epoch` is the last epoch given out; it only grows (a fencing
    token).
    """

    id: Id
    epoch: int = 0
    leases: tuple[Lease, ...] = ()


class LeaderLease(Document):
    """The right to act as the leader for the key `id`; `holder` is empty while nobody leads.

    The key is the id of what is led, perhaps with the kind of work after it.
    """

    id: str
    holder: str = ""
