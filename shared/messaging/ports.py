"""The part of the bus that use cases need; adapters and fakes implement it."""

from typing import Protocol, TypeVar

from pydantic import BaseModel

from shared.contracts.base import Message

A = TypeVar("A", bound=BaseModel)


class Publisher(Protocol):
    """Publishes messages."""

    async def publish(self, message: Message, *, key: str, wave: str = "") -> None:
        """Publish `message` once per `key`, as part of `wave`; raises `Transient` where no stream takes it."""
        ...


class Messenger(Publisher, Protocol):
    """Publishes messages and sends requests."""

    async def request(self, message: Message, answer: type[A], *, timeout: float = 5.0) -> A:
        """Return the answer to `message`; raises `Transient` where none comes within `timeout` seconds."""
        ...
