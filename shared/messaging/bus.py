"""Publish messages durably, send requests, and read the event stream."""

import asyncio
from collections.abc import AsyncGenerator, Collection
from typing import TypeVar

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from pydantic import BaseModel

from shared.contracts.base import Message
from shared.kernel.clock import Clock
from shared.kernel.errors import Transient
from shared.kernel.ids import NewId
from shared.kernel.json_data import read_json
from shared.messaging import envelope
from shared.messaging.event_stream import ReceivedEvent, follow_events, last_sequence
from shared.messaging.provision import find_missing
from shared.messaging.rpc import decode_response, rpc_subject

A = TypeVar("A", bound=BaseModel)

# A JetStream leader change takes 4 to 8 s; nats-py's default of 0.5 s would lose publishes to it.
PUBLISH_TIMEOUT_SECONDS = 10.0
SERVICE_PREFIX = "groundswell-"


class Bus:
    """Publishes and sends requests over one NATS connection; implements the `Messenger` port."""

    def __init__(self, client: Client, *, source: str, clock: Clock, new_id: NewId) -> None:
        self._client = client
        self._jetstream = client.jetstream(timeout=PUBLISH_TIMEOUT_SECONDS)
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
            raise Transient(
                f"NATS did not accept {message.address()}.", hint=repr(error)
            ) from error

    async def request(self, message: Message, answer: type[A], *, timeout: float = 5.0) -> A:
        """Send a request to the service behind `gs.rpc.<noun>.<verb>` and return its answer.

        Raises the error that the service answered with, or `Transient` where no answer came within
        `timeout` seconds.
        """
        subject = rpc_subject(message.subject)
        body = message.model_dump_json(exclude_none=True).encode()
        try:
            reply = await self._client.request(subject, body, timeout=timeout)
        except (nats.errors.Error, TimeoutError) as error:
            raise Transient(f"No service answered {subject}.", hint=repr(error)) from error
        return decode_response(reply.data, answer)

    async def ping(self, expected: Collection[str], *, timeout: float = 1.0) -> tuple[str, ...]:
        """Return those of the `expected` services that answer within `timeout` seconds, sorted."""
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
                    names.add(_service_name(reply.data))
        except (nats.errors.TimeoutError, TimeoutError):
            pass  # a service that has not answered by now is missing from the result
        finally:
            await subscription.unsubscribe()
        return tuple(sorted(each.removeprefix(SERVICE_PREFIX) for each in names & missing))

    async def last_sequence(self) -> int:
        """Return the stream sequence of the newest event. Raises `Transient`."""
        return await last_sequence(self._jetstream)

    async def missing_streams(self) -> list[str]:
        """Return the streams and consumers that should exist and do not. Raises `Transient`."""
        return await find_missing(self._client)

    @property
    def connected(self) -> bool:
        """True while the connection to the server is up."""
        return self._client.is_connected

    def events(self, *, after: int | None = None) -> AsyncGenerator[ReceivedEvent, None]:
        """Yield the events after stream sequence `after`, or new ones only, while connected."""
        return follow_events(self._client, self._jetstream, after)


def _service_name(body: bytes) -> str:
    """Return the name in the answer of a service to a ping; empty if it is no such answer."""
    try:
        return str(read_json(body)["name"])
    except (ValueError, KeyError, TypeError):
        return ""
