"""What the API's use cases need from outside."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel

from shared.contracts.base import Message
from shared.kernel.clock import Clock
from shared.kernel.ids import NewId
from shared.mongo.collections import Store

A = TypeVar("A", bound=BaseModel)


class StreamedEvent(Protocol):
    """An event as it is stored in the event stream."""

    @property
    def sequence(self) -> int: ...
    @property
    def subject(self) -> str: ...
    @property
    def time(self) -> datetime: ...
    @property
    def data(self) -> dict[str, Any]: ...


class ApiBus(Protocol):
    """The part of `shared.messaging.bus.Bus` that the API uses."""

    @property
    def connected(self) -> bool: ...

    async def publish(self, message: Message, *, key: str, wave: str = "") -> None: ...
    async def request(self, message: Message, answer: type[A], *, timeout: float = 5.0) -> A: ...
    async def ping(self, expected: Collection[str], *, timeout: float = 1.0) -> tuple[str, ...]: ...
    async def missing_streams(self) -> list[str]: ...
    async def last_sequence(self) -> int: ...
    def events(self, *, after: int | None = None) -> AsyncGenerator[StreamedEvent, None]: ...


@dataclass(frozen=True)
class ApiDeps:
    """The ports of the API's use cases.

    `ping_database` raises `Transient` if the database does not answer; `stopping` is set when the
    service is to stop.
    """

    store: Store
    bus: ApiBus
    ping_database: Callable[[], Awaitable[None]]
    clock: Clock
    new_id: NewId
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
