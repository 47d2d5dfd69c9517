"""What use cases publish messages through."""

from typing import Protocol

from shared.contracts.base import Message


class Publisher(Protocol):
    """The part of the bus that the use cases speak through."""

    async def publish(self, message: Message, *, key: str, wave: str = "") -> None:
        """Say it once per `key`; raises `Transient` when nobody took it."""
        ...
