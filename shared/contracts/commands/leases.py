"""Requests for leases, and what they are answered with."""

from typing import ClassVar

from pydantic import Field

from shared.contracts.base import (
    Id,
    Message,
    Priority,
    Value,
)


class AcquireLease(Message):
    """Request the right to change these path patterns, all or nothing.

    A claim that is refused keeps its place before later ones of its priority as long as it is made
    again within half a minute.
    """

    subject: ClassVar[str] = "gs.rpc.lease.acquire"
    target_id: Id
    wave_id: Id
    task_id: Id
    component: str
    paths: tuple[str, ...]
    priority: Priority = Priority.NORMAL


class ExtendLease(Message):
    """Request more paths for a lease held under `epoch`, which is granted or refused at once."""

    subject: ClassVar[str] = "gs.rpc.lease.extend"
    target_id: Id
    task_id: Id
    epoch: int
    paths: tuple[str, ...] = Field(min_length=1)


class RenewLease(Message):
    """Renew a lease that is held under `epoch`."""

    subject: ClassVar[str] = "gs.rpc.lease.renew"
    target_id: Id
    task_id: Id
    epoch: int


class ReleaseLease(Message):
    """End the lease of a task; releasing it twice is the same as once."""

    subject: ClassVar[str] = "gs.rpc.lease.release"
    target_id: Id
    task_id: Id


class LeaseGrant(Value):
    """The answer about a lease that was requested: its epoch, or the reason for refusing it."""

    granted: bool
    epoch: int = 0
    reason: str = ""
