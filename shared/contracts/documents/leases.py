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
    """One entry of a target's lease ledger; exclusive while held."""

    task_id: Id
    wave_id: Id
    component: str
    paths: tuple[str, ...]
    epoch: int
    state: LeaseState = LeaseState.HELD
    expires_at: datetime


class LeaseLedger(Document):
    """All leases of one target in one document, so that a grant is one compare-and-swap.

    `id` is the target's; `epoch` is the last epoch given out and only grows.
    """

    id: Id
    epoch: int = 0
    leases: tuple[Lease, ...] = ()


class LeaderLease(Document):
    """The seat at a target's gate: whose validator decides. `id` is the target's; nobody's is empty."""

    id: Id
    holder: str = ""
