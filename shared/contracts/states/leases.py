"""The states of leases."""

from enum import StrEnum

from shared.contracts.states.machine import Machine


class LeaseState(StrEnum):
    """held → released | expired."""

    HELD = "held"
    RELEASED = "released"
    EXPIRED = "expired"


LEASE = Machine(
    "lease",
    LeaseState.HELD,
    {
        (LeaseState.HELD, "release"): LeaseState.RELEASED,
        (LeaseState.HELD, "expire"): LeaseState.EXPIRED,
    },
)
