"""Consumers that fetch a message only while there is capacity, and handle several concurrently.

A FastStream subscriber fetches its next message as soon as it is done with one. Where handling
takes minutes, and processes on other machines could do it, a message must stay in the stream until
this process has room for it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
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
# Longer than a poll, so that a consumer that comes first has seen the room and fetched by then.
PAUSE_PER_RANK_SECONDS = 0.15
REVERSED_EVERY = 8


@dataclass
class Turns:
    """In which order consumers of different ranks get the room that they share.

    When room comes free, each looks for a message a little later than the rank before it, which has
    taken the room by then if it has a message. After every seventh message the order is reversed
    for one, so that none waits for ever. `last_rank` is the highest.
    """

    last_rank: int
    taken: int = 0

    def pause(self, rank: int) -> float:
        """Return how many seconds a consumer of `rank` leaves free room to the others."""
        is_reversed = self.taken % REVERSED_EVERY == REVERSED_EVERY - 1
        before = self.last_rank - rank if is_reversed else rank
        return before * PAUSE_PER_RANK_SECONDS


@dataclass(frozen=True)
class PullWorker(Generic[M]):
    """The handler of a consumer whose messages are all of one kind, and its capacity.

    `has_room` gets the number of messages being handled and returns whether to fetch one more. Room
    that is shared is given out in `turns`, by `rank`: 0 comes first.
    """

    consumer: Consumer
    message: type[M]
    handle: Callable[[M], Awaitable[None]]
    has_room: Callable[[int], bool]
    turns: Turns = field(default_factory=lambda: Turns(last_rank=0))
    rank: int = 0


async def run_pull_worker(worker: PullWorker[M], client: Client, letters: DeadLetters) -> None:
    """Fetch and handle messages until cancelled; those being handled then are given back."""
    subscription = await client.jetstream().pull_subscribe_bind(
        durable=worker.consumer.name, stream=worker.consumer.stream
    )
    in_flight: set[asyncio.Task[None]] = set()
    was_full = False
    try:
        while True:
            if not worker.has_room(len(in_flight)):
                was_full = True
                await asyncio.sleep(CAPACITY_POLL_SECONDS)
            elif was_full:
                was_full = False
                await asyncio.sleep(worker.turns.pause(worker.rank))
            elif (raw := await _fetch(subscription)) is not None:
                worker.turns.taken += 1
                task = asyncio.create_task(_handle(raw, worker, letters))
                in_flight.add(task)
                task.add_done_callback(in_flight.discard)
                # Let it begin, so that the room it takes is seen before the next fetch.
                await asyncio.sleep(0)
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
