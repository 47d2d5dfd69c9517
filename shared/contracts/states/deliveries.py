"""The states of what is sent to receivers over HTTP."""

from enum import StrEnum

from shared.contracts.states.machine import Machine


class DeliveryState(StrEnum):
    """waiting → pending → sending → delivered | dead, and back to pending for another try."""

    WAITING = "waiting"
    PENDING = "pending"
    SENDING = "sending"
    DELIVERED = "delivered"
    DEAD = "dead"


D = DeliveryState

DELIVERY = Machine(
    "delivery",
    # A callback waits until there is something to tell; an event begins as pending.
    D.WAITING,
    {
        (D.WAITING, "tell"): D.PENDING,
        (D.PENDING, "send"): D.SENDING,
        (D.PENDING, "give_up"): D.DEAD,
        (D.SENDING, "succeed"): D.DELIVERED,
        # It failed, or the process that sent it is gone: it may arrive twice, under one id.
        (D.SENDING, "try_again"): D.PENDING,
        (D.SENDING, "give_up"): D.DEAD,
        (D.DEAD, "replay"): D.PENDING,
        (D.DELIVERED, "replay"): D.PENDING,
    },
)
