"""What the API's use cases need from outside."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel

from services.api.domain.access import EVERYTHING, Caller
from shared.contracts.base import Message
from shared.http.protected import Answer, ProtectedPoster
from shared.kernel.clock import Clock
from shared.kernel.ids import NewId
from shared.mongo.collections import Store

A = TypeVar("A", bound=BaseModel)


class StreamedEvent(Protocol):
    """An event as it is stored in the event stream."""

    @property
    def sequence(self) -> int:
        """The event's number in the stream, from which reading can resume."""

    @property
    def subject(self) -> str:
        """The NATS subject, such as `gs.evt.wave.finished`."""

    @property
    def time(self) -> datetime:
        """When the stream stored it."""

    @property
    def data(self) -> dict[str, Any]:
        """The fields of the event."""


class ApiBus(Protocol):
    """The part of `shared.messaging.bus.Bus` that the API uses."""

    @property
    def connected(self) -> bool:
        """True while the connection to NATS is up."""

    async def publish(self, message: Message, *, key: str, wave: str = "") -> None:
        """Store a message durably; the same `key` again is stored once. Raises `Transient`."""

    async def request(self, message: Message, answer: type[A], *, timeout: float = 5.0) -> A:
        """Return a service's answer; raise its error, or `Transient` if none comes in time."""

    async def ping(self, expected: Collection[str], *, timeout: float = 1.0) -> tuple[str, ...]:
        """Return the services among `expected` that answer within `timeout` seconds."""

    async def missing_streams(self) -> list[str]:
        """Return the streams and consumers that should exist and do not."""

    async def last_sequence(self) -> int:
        """Return the sequence number of the newest event."""

    def events(self, *, after: int | None = None) -> AsyncGenerator[StreamedEvent, None]:
        """Yield the events after the sequence number `after`; if that is None, only new ones."""


class Poster(Protocol):
    """Calls URLs that users gave."""

    async def check(self, url: str) -> None:
        """Raise `Rejected` for a URL that may not be called."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Post to a URL exactly as it is written; return what came of it, whatever that is."""


@dataclass(frozen=True)
class ApiDeps:
    """The ports of the API's use cases.

    `ping_database` raises `Transient` if the database does not answer; `stopping` is set when the
    service is to stop. `caller` is whoever sent the request that they serve.
    """

    store: Store
    bus: ApiBus
    ping_database: Callable[[], Awaitable[None]]
    clock: Clock
    new_id: NewId
    poster: Poster = field(default_factory=ProtectedPoster)
    caller: Caller = EVERYTHING
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
