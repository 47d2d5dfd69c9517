"""Work that is taken only where there is room for it, and then any number at once.

A subscriber takes its next message as soon as it is done with one. Where a message takes minutes, and
others of other machines wait for it, it must not be taken before something can be done about it.
"""

import asyncio
import json
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
from shared.kernel.errors import Rejected
from shared.messaging.consumers import deliver
from shared.messaging.dead_letters import DeadLetters

log = structlog.get_logger(__name__)

M = TypeVar("M", bound=Message)

# In seconds: until we look again whether there is room, and how long we then wait for a message.
ROOM_POLL_SECONDS = 0.1
FETCH_TIMEOUT_SECONDS = 2.0
RETRY_SECONDS = 1.0


@dataclass(frozen=True)
class PullWorker(Generic[M]):
    """Who handles the messages of a consumer, which are all of one kind.

    `has_room` is told how many it has taken that are not handled yet, and says whether to take one more.
    """

    consumer: Consumer
    message: type[M]
    handle: Callable[[M], Awaitable[None]]
    has_room: Callable[[int], bool]


async def run_pull_worker(worker: PullWorker[M], client: Client, letters: DeadLetters) -> None:
    """For ever. Cancelled, it cancels what is under way, which then comes again to somebody."""
    subscription = await client.jetstream().pull_subscribe_bind(
        durable=worker.consumer.name, stream=worker.consumer.stream
    )
    under_way: set[asyncio.Task[None]] = set()
    try:
        while True:
            if not worker.has_room(len(under_way)):
                await asyncio.sleep(ROOM_POLL_SECONDS)
            elif (raw := await _next(subscription)) is not None:
                task = asyncio.create_task(_handled(raw, worker, letters))
                under_way.add(task)
                task.add_done_callback(under_way.discard)
    finally:
        for each in under_way:
            each.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        # Otherwise the connection, when it is drained, waits for messages that nobody reads any more.
        with suppress(nats.errors.Error):
            await subscription.unsubscribe()


async def _next(subscription: JetStreamContext.PullSubscription) -> Msg | None:
    """The next message, if one comes while we wait."""
    try:
        return (await subscription.fetch(1, timeout=FETCH_TIMEOUT_SECONDS))[0]
    except TimeoutError:
        return None
    except (nats.errors.Error, nats.js.errors.Error) as error:
        log.warning("nothing_taken", error=repr(error))
        await asyncio.sleep(RETRY_SECONDS)
        return None


async def _handled(raw: Msg, worker: PullWorker[M], letters: DeadLetters) -> None:
    async def handle() -> None:
        await worker.handle(_read(raw, worker.message))

    try:
        await deliver(raw, handle, letters)
    except asyncio.CancelledError:
        # So that it comes to another one at once, and not only when the server gives us up.
        with suppress(nats.errors.Error):
            await raw.nak()
        raise
    except (nats.errors.Error, nats.js.errors.Error, TimeoutError) as error:
        # What is not acked comes again.
        log.warning("message_unsettled", subject=raw.subject, error=repr(error))


def _read(raw: Msg, message: type[M]) -> M:
    try:
        body = json.loads(raw.data or b"{}")
    except ValueError as error:
        raise Rejected(f"The body is not JSON: {error}.") from None
    return message.model_validate(body)
