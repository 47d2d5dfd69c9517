"""The ports of the bus that use cases depend on; `Bus` and the fakes of tests implement them."""

from typing import Protocol, TypeVar

from pydantic import BaseModel

from shared.contracts.base import Message

A = TypeVar("A", bound=BaseModel)


class Publisher(Protocol):
    """Publishes messages."""

    async def publish(self, message: Message, *, key: str, wave: str = "") -> None:
        """Publish `message` once per `key`, as part of `wave`.

        Raises `Transient` where no stream accepts it.
        """
        ...


class Messenger(Publisher, Protocol):
    """Publishes messages and sends requests."""

    async def request(self, message: Message, answer: type[A], *, timeout: float = 5.0) -> A:
        """Send `message` and return its answer, decoded as the model `answer`.

        Raises the error that the service answered with, or `Transient` where no answer comes within
        `timeout` seconds.
        """
        ...
