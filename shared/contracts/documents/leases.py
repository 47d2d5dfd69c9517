"""Leases on components, and leader leases of services."""

from datetime import datetime

from pydantic import Field

from shared.contracts.base import (
    Id,
    Priority,
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


class WaitingClaim(Value):
    """A claim that was refused, and holds its place in the line as long as it is made again.

    It was made at `since` for the first time, and at `asked_at` for the last.
    """

    task_id: Id
    component: str
    paths: tuple[str, ...]
    priority: Priority
    since: datetime
    asked_at: datetime


class LeaseLedger(Document):
    """All leases of one target in one document, so that a grant is one compare-and-swap.

    `id` is that of the target. `epoch` is the last epoch given out; it only grows (a fencing
    token). `held` are the leases and `waiting` the refused claims by task. `ended` are leases by
    epoch, as long as it is not certain that their end was published.
    """

    id: Id
    epoch: int = 0
    held: dict[Id, Lease] = Field(default_factory=dict)
    waiting: dict[Id, WaitingClaim] = Field(default_factory=dict)
    ended: dict[str, Lease] = Field(default_factory=dict)


class LeaderLease(Document):
    """The right to act as the leader for the key `id`; `holder` is empty while nobody leads.

    The key is the id of what is led, perhaps with the kind of work after it.
    """

    id: str
    holder: str = ""
