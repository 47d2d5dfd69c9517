"""Answers to senders."""

from shared.contracts.base import Id, Value


class MessageReceived(Value):
    """A message was accepted: the targets that it woke, or that it was received before."""

    targets: tuple[Id, ...] = ()
    repeated: bool = False
