"""What the coordinator's use cases need from the world."""

from typing import Protocol, TypeVar

from pydantic import BaseModel

from shared.contracts.base import Message

A = TypeVar("A", bound=BaseModel)


class Messenger(Protocol):
    """The part of the bus that the use cases speak through."""

    async def publish(self, message: Message, *, key: str, wave: str = "") -> None:
        """Say it once per `key`; raises `Transient` when nobody took it."""
        ...

    async def request(self, message: Message, answer: type[A], *, timeout: float = 5.0) -> A:
        """Ask and wait; raises what the other side raised, or `Transient`."""
        ...
