"""Saying things on the bus: durable publishes, requests with an answer, and the event stream."""

import asyncio
import json
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js.api import ConsumerConfig, DeliverPolicy
from pydantic import BaseModel

from shared.contracts.base import Message
from shared.contracts.streams import EVENTS
from shared.kernel.clock import Clock
from shared.kernel.errors import Transient
from shared.kernel.ids import NewId
from shared.messaging import envelope
from shared.messaging.rpc import read_answer, rpc_subject

A = TypeVar("A", bound=BaseModel)

# A JetStream leader change takes 4 to 8 s; nats-py's default of 0.5 s would lose publishes to it.
PUBLISH_TIMEOUT = 10.0
SERVICE_PREFIX = "groundswell-"


@dataclass(frozen=True)
class Received:
    """An event as it lies in the stream; `sequence` resumes after it."""

    sequence: int
    subject: str
    time: datetime
    data: dict[str, Any]


class Bus:
    """Publishing and asking, over one NATS connection."""

    def __init__(self, client: Client, *, source: str, clock: Clock, new_id: NewId) -> None:
        self._client = client
        self._jetstream = client.jetstream(timeout=PUBLISH_TIMEOUT)
        self._source = source
        self._clock = clock
        self._new_id = new_id

    async def publish(self, message: Message, *, key: str, wave: str = "") -> None:
        """Publish and await the PubAck; the same `key` again is stored once. Raises `Transient`."""
        headers = envelope.headers(
            message,
            key=f"{message.subject}:{key}",
            source=self._source,
            wave=wave,
            clock=self._clock,
            new_id=self._new_id,
        )
        body = message.model_dump_json().encode()
        try:
            await self._jetstream.publish(message.address(), body, headers=headers)
        except (nats.errors.Error, nats.js.errors.Error) as error:
            raise Transient(f"NATS did not take {message.address()}.", hint=repr(error)) from error

    async def request(self, message: Message, answer: type[A], *, timeout: float = 5.0) -> A:
        """Ask the service behind `gs.rpc.<noun>.<verb>`; raises the family it answers with."""
        subject = rpc_subject(message.subject)
        body = message.model_dump_json(exclude_none=True).encode()
        try:
            reply = await self._client.request(subject, body, timeout=timeout)
        except (nats.errors.Error, TimeoutError) as error:
            raise Transient(f"Nobody answered {subject}.", hint=repr(error)) from error
        return read_answer(reply.data, answer)

    async def ping(self, expected: Collection[str], *, timeout: float = 1.0) -> tuple[str, ...]:
        """Which of these services answer `$SRV.PING`; asks no longer than `timeout` seconds."""
        inbox = self._client.new_inbox()
        subscription = await self._client.subscribe(inbox)
        missing = {f"{SERVICE_PREFIX}{each}" for each in expected}
        names: set[str] = set()
        try:
            await self._client.publish("$SRV.PING", b"", reply=inbox)
            async with asyncio.timeout(timeout):
                while missing - names:
                    reply = await subscription.next_msg(timeout=timeout)
                    if not reply.data:  # the server's own "no responders"
                        break
                    names.add(str(json.loads(reply.data)["name"]))
        except (nats.errors.TimeoutError, TimeoutError):
            pass  # who has not answered by now is missing from the result
        finally:
            await subscription.unsubscribe()
        return tuple(sorted(each.removeprefix(SERVICE_PREFIX) for each in names & missing))

    async def last_sequence(self) -> int:
        """The sequence of the newest event; what happens from now on comes after it."""
        try:
            info = await self._jetstream.stream_info(EVENTS.name)
        except (nats.errors.Error, nats.js.errors.Error) as error:
            raise Transient("NATS does not answer.", hint=repr(error)) from error
        return int(info.state.last_seq)

    @property
    def connected(self) -> bool:
        """Whether the connection stands right now."""
        return self._client.is_connected

    async def events(self, *, after: int | None = None) -> AsyncIterator[Received]:
        """Every event after stream sequence `after`, else the new ones; without end."""
        policy = DeliverPolicy.NEW if after is None else DeliverPolicy.BY_START_SEQUENCE
        start = None if after is None else after + 1
        subscription = await self._jetstream.subscribe(
            EVENTS.subjects[0],
            stream=EVENTS.name,
            ordered_consumer=True,
            config=ConsumerConfig(deliver_policy=policy, opt_start_seq=start),
        )
        try:
            async for message in subscription.messages:
                data = _decoded(message.data)
                if data is not None:
                    meta = message.metadata
                    yield Received(meta.sequence.stream, message.subject, meta.timestamp, data)
        finally:
            await subscription.unsubscribe()


def _decoded(body: bytes) -> dict[str, Any] | None:
    """The event's fields; None for garbage, which the coordinator sends to the dead letters."""
    try:
        data = json.loads(body)
    except ValueError:
        return None
    return data if isinstance(data, dict) else None
