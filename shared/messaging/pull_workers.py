"""Consumers that fetch a message only while there is capacity, and handle several concurrently.

A FastStream subscriber fetches its next message as soon as it is done with one. Where handling
takes minutes, and processes on other machines could do it, a message must stay in the stream until
this process has room for it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

import nats.errors
import nats.js.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from shared.contracts.base import Message
from shared.contracts.streams import Consumer
from shared.messaging.consumers import handle_delivery, parse_json
from shared.messaging.dead_letters import DeadLetters

log = structlog.get_logger(__name__)

M = TypeVar("M", bound=Message)

CAPACITY_POLL_SECONDS = 0.1
FETCH_TIMEOUT_SECONDS = 2.0
RETRY_SECONDS = 1.0


@dataclass(frozen=True)
class PullWorker(Generic[M]):
    """The handler of a consumer whose messages are all of one kind, and its capacity.

    `has_room` gets the number of messages being handled and returns whether to fetch one more.
    """

    consumer: Consumer
    message: type[M]
    handle: Callable[[M], Awaitable[None]]
    has_room: Callable[[int], bool]


async def run_pull_worker(worker: PullWorker[M], client: Client, letters: DeadLetters) -> None:
    """Fetch and handle messages until cancelled; those being handled then are given back."""
    subscription = await client.jetstream().pull_subscribe_bind(
        durable=worker.consumer.name, stream=worker.consumer.stream
    )
    in_flight: set[asyncio.Task[None]] = set()
    try:
        while True:
            if not worker.has_room(len(in_flight)):
                await asyncio.sleep(CAPACITY_POLL_SECONDS)
            elif (raw := await _fetch(subscription)) is not None:
                task = asyncio.create_task(_handle(raw, worker, letters))
                in_flight.add(task)
                task.add_done_callback(in_flight.discard)
    finally:
        for each in in_flight:
            each.cancel()
        await asyncio.gather(*in_flight, return_exceptions=True)
        # Otherwise draining the connection would wait for messages that nothing reads any more.
        with suppress(nats.errors.Error):
            await subscription.unsubscribe()


async def _fetch(subscription: JetStreamContext.PullSubscription) -> Msg | None:
    """Return the next message; None if none comes in time or, after a pause, on an error."""
    try:
        return (await subscription.fetch(1, timeout=FETCH_TIMEOUT_SECONDS))[0]
    except TimeoutError:
        return None
    except (nats.errors.Error, nats.js.errors.Error) as error:
        log.warning("fetch_failed", error=repr(error))
        await asyncio.sleep(RETRY_SECONDS)
        return None


async def _handle(raw: Msg, worker: PullWorker[M], letters: DeadLetters) -> None:
    """Handle and settle one message; if cancelled, give it back to be redelivered at once."""

    async def handle() -> None:
        """Pass the message's decoded body to the worker's handler."""
        await worker.handle(worker.message.model_validate(parse_json(raw.data)))

    try:
        await handle_delivery(raw, handle, letters)
    except asyncio.CancelledError:
        # It is redelivered at once, and not only when its ack wait has passed.
        with suppress(nats.errors.Error):
            await raw.nak()
        raise
    except (nats.errors.Error, nats.js.errors.Error, TimeoutError) as error:
        # A message that is not acknowledged is redelivered.
        log.warning("acknowledgement_failed", subject=raw.subject, error=repr(error))
