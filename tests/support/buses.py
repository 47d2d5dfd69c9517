"""A fake bus that records what is published, and gives prepared answers."""

from collections.abc import AsyncGenerator, Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from shared.contracts.base import Message
from shared.kernel.errors import Transient


@dataclass(frozen=True)
class Published:
    """A message as it was published: `key` is its identity, `number` its index on this bus."""

    message: Message
    key: str
    wave: str
    number: int

    @property
    def identity(self) -> tuple[str, str]:
        return type(self.message).subject, self.key


@dataclass
class RecordingBus:
    """A bus that publishes nothing.

    `answers` has a value, an error to raise, or a function of the request, by the request's class;
    `incoming` has the events that a subscriber receives.
    """

    answers: dict[type[Message], Any] = field(default_factory=dict)
    published: list[Published] = field(default_factory=list)
    asked: list[Message] = field(default_factory=list)
    incoming: list[Any] = field(default_factory=list)
    connected: bool = True
    there: Collection[str] = ("coordinator", "agents", "resolver", "validator", "api")
    missing: Collection[str] = ()
    listened_after: list[int | None] = field(default_factory=list)

    async def publish(self, message: Message, *, key: str, wave: str = "") -> None:
        self.published.append(Published(message, key, wave, len(self.published)))

    async def request(self, message: Message, answer: type, *, timeout: float = 5.0) -> Any:
        self.asked.append(message)
        given: Any = self.answers.get(type(message))
        if given is None:
            raise Transient(f"Nobody answered {message.subject}.")
        given = given(message) if isinstance(given, Callable) else given
        if isinstance(given, Exception):
            raise given
        assert isinstance(given, answer)
        return given

    async def ping(self, expected: Collection[str], *, timeout: float = 1.0) -> tuple[str, ...]:
        return tuple(sorted(set(expected) & set(self.there)))

    async def missing_streams(self) -> list[str]:
        return list(self.missing)

    async def last_sequence(self) -> int:
        return 40 + len(self.published) + len(self.asked)

    async def events(self, *, after: int | None = None) -> AsyncGenerator[Any, None]:
        self.listened_after.append(after)
        for each in self.incoming:
            if after is None or each.sequence > after:
                yield each

    def of(self, kind: type[Message]) -> list[Any]:
        """Return the messages of a class in the order they were published."""
        return [each.message for each in self.published if isinstance(each.message, kind)]

    def identities(self) -> list[tuple[str, str]]:
        """Return (subject, key) of every message; a stream stores each of them once."""
        return [each.identity for each in self.published]
