"""Follow the event stream in order, and go on where it stopped after whatever interrupts it.

The consumer is an ephemeral one that is pulled from: a pushed one delivers to a subject of the
stream's own account, which clients of another account cannot subscribe to.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import nats.errors
import nats.js.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from shared.contracts.streams import EVENTS
from shared.kernel.errors import Transient
from shared.kernel.json_data import read_json

log = structlog.get_logger(__name__)

BATCH_SIZE = 256
REQUEST_TTL_SECONDS = 30
HEARTBEAT_SECONDS = 5
# Three heartbeats: then the consumer, its server or the connection is gone.
SILENCE_TIMEOUT_SECONDS = 15.0
# The server removes a consumer that nobody pulls from for so long.
CONSUMER_TTL_SECONDS = 60.0
RETRY_SECONDS = 0.5
NANOSECONDS = 1_000_000_000
STATUS_HEARTBEAT, STATUS_NOT_FOUND, STATUS_REQUEST_EXPIRED = "100", "404", "408"


@dataclass(frozen=True)
class ReceivedEvent:
    """An event as the stream stores it; reading can resume after its stream `sequence`."""

    sequence: int
    subject: str
    time: datetime
    data: dict[str, Any]


class _Interrupted(Exception):
    """The consumer has to be made again."""


async def last_sequence(jetstream: JetStreamContext) -> int:
    """Return the stream sequence of the newest event. Raises `Transient`."""
    try:
        info = await jetstream.stream_info(EVENTS.name)
    except (nats.errors.Error, nats.js.errors.Error) as error:
        raise Transient("NATS does not answer.", hint=repr(error)) from error
    return int(info.state.last_seq)


async def follow_events(
    client: Client, jetstream: JetStreamContext, after: int | None
) -> AsyncGenerator[ReceivedEvent, None]:
    """Yield the events after stream sequence `after`, or new ones only, until the client closes.

    A message that is no event is skipped.
    """
    position = await last_sequence(jetstream) if after is None else after
    while not (client.is_closed or client.is_draining):
        try:
            async with aclosing(_pull(client, jetstream, position)) as messages:
                async for message in messages:
                    position = message.metadata.sequence.stream
                    event = _read_event(message)
                    if event is not None:
                        yield event
        except (_Interrupted, nats.errors.Error, nats.js.errors.Error, TimeoutError) as error:
            log.info("event_stream_interrupted", position=position, reason=repr(error))
            await asyncio.sleep(RETRY_SECONDS)
            position = await _position_in_present_stream(jetstream, position)


async def _position_in_present_stream(jetstream: JetStreamContext, position: int) -> int:
    """Return `position`, or 0 if the stream was deleted and made anew since."""
    with suppress(Transient):
        return position if await last_sequence(jetstream) >= position else 0
    return position


async def _pull(
    client: Client, jetstream: JetStreamContext, after: int
) -> AsyncGenerator[Msg, None]:
    """Yield the messages after a sequence number, in order. Raises NATS errors, `_Interrupted`."""
    config = ConsumerConfig(
        deliver_policy=DeliverPolicy.BY_START_SEQUENCE,
        opt_start_seq=after + 1,
        ack_policy=AckPolicy.NONE,
        inactive_threshold=CONSUMER_TTL_SECONDS,
        mem_storage=True,
    )
    consumer = (await jetstream.add_consumer(EVENTS.name, config)).name
    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox)
    try:
        async with aclosing(_requested(client, subscription, inbox, consumer)) as messages:
            async for message in messages:
                yield message
    finally:
        # The connection may be closing or closed, which ends the subscription as well.
        with suppress(nats.errors.Error):
            await subscription.unsubscribe()


async def _requested(
    client: Client, subscription: Subscription, inbox: str, consumer: str
) -> AsyncGenerator[Msg, None]:
    """Request batch after batch, and yield the messages as they come."""
    request = json.dumps(
        {
            "batch": BATCH_SIZE,
            "expires": REQUEST_TTL_SECONDS * NANOSECONDS,
            "idle_heartbeat": HEARTBEAT_SECONDS * NANOSECONDS,
        }
    ).encode()
    pending, received = 0, 0
    while True:
        if pending == 0:
            subject = f"$JS.API.CONSUMER.MSG.NEXT.{EVENTS.name}.{consumer}"
            await client.publish(subject, request, reply=inbox)
            pending = BATCH_SIZE
        message = await subscription.next_msg(timeout=SILENCE_TIMEOUT_SECONDS)
        status = (message.headers or {}).get("Status")
        if status in {STATUS_NOT_FOUND, STATUS_REQUEST_EXPIRED}:
            pending = 0
        elif status is None:
            pending, received = pending - 1, received + 1
            if message.metadata.sequence.consumer != received:
                raise _Interrupted("a message was lost")
            yield message
        elif status != STATUS_HEARTBEAT:
            raise _Interrupted(f"status {status}")


def _read_event(message: Msg) -> ReceivedEvent | None:
    """Return the event, or None if invalid: its consumer makes that a dead letter."""
    try:
        data = read_json(message.data)
    except ValueError:
        return None
    if not isinstance(data, dict):
        return None
    meta = message.metadata
    return ReceivedEvent(meta.sequence.stream, message.subject, meta.timestamp, data)
