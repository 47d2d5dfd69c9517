"""Consumers, and the one place that decides what happens to a message after its handler ran.

Success acknowledges it. `Rejected`, or a body that does not validate, makes it a dead letter with
the reason. `Transient` asks for redelivery after a delay. Any other error asks for redelivery with
backoff too, and after `MAX_DELIVERIES` makes it a dead letter.
FastStream's own acknowledgement policies lose messages when a process is killed.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Any, TypeVar

import structlog
from fast_depends.exceptions import ValidationError as InjectionError
from faststream import AckPolicy, BaseMiddleware
from faststream.message import StreamMessage
from faststream.nats import JStream, PullSub
from nats.aio.msg import Msg
from pydantic import ValidationError

from shared.contracts.base import Message
from shared.contracts.streams import CONSUMERS, Consumer
from shared.kernel.errors import Rejected, Transient
from shared.kernel.ids import derive_uuid7
from shared.kernel.json_data import read_json
from shared.messaging.connection import inbox_prefix
from shared.messaging.dead_letters import DeadLetters
from shared.messaging.rpc import describe_validation_error

log = structlog.get_logger(__name__)

M = TypeVar("M", bound=Message)

MAX_DELIVERIES = 5
REDELIVERY_BACKOFF_SECONDS = (0.2, 1.0, 3.0, 8.0)
ACK_WAIT_SECONDS = {consumer.name: consumer.ack_wait for consumer in CONSUMERS}
DEFAULT_ACK_WAIT_SECONDS = 10.0
# Often enough for a stack whose provisioner was told a shorter ack wait.
EXTEND_INTERVAL_SECONDS = 1.0
FETCH_TIMEOUT_SECONDS = 5.0


def subscriber_options(consumer: Consumer) -> dict[str, Any]:
    """Return the keyword arguments for a FastStream subscriber on a provisioned `consumer`.

    It fetches one message at a time: prefetched ones would wait until their ack wait has passed.
    """
    return {
        "stream": JStream(consumer.stream, declare=False),
        "durable": consumer.name,
        "pull_sub": PullSub(batch_size=1, timeout=FETCH_TIMEOUT_SECONDS),
        "ack_policy": AckPolicy.MANUAL,
        "inbox_prefix": f"{inbox_prefix(consumer.service)}.{consumer.name}.".encode(),
        "no_reply": True,
    }


def of_type(*kinds: type[Message]) -> Callable[[StreamMessage[Msg]], Awaitable[bool]]:
    """Return a filter that lets only messages of these kinds through to a handler."""
    subjects = {each.subject for each in kinds}

    async def matches(received: StreamMessage[Msg]) -> bool:
        """Return whether a message was sent to a subject of these kinds."""
        return received.raw_message.subject in subjects

    return matches


def with_id(command: M, field: str, received: StreamMessage[Msg]) -> M:
    """Return a command with an id in this field: its own, else one that its message has.

    A message has the same id at every delivery, so that it starts the same thing once.
    """
    if getattr(command, field):
        return command
    meta = received.raw_message.metadata
    seed = f"{meta.stream}:{meta.sequence.stream}:{meta.timestamp.isoformat()}"
    stored_at = int(meta.timestamp.timestamp() * 1000)
    return command.model_copy(update={field: derive_uuid7(seed, stored_at)})


async def reject_unknown(body: Any) -> None:
    """Reject a message that no other handler of its consumer takes. Raises `Rejected`."""
    raise Rejected("No handler knows this subject.", hint=f"Body: {str(body)[:200]}")


async def decode_body(message: StreamMessage[Msg]) -> Any:
    """Return the body as JSON whatever its headers; an empty one is `{}`. Raises `Rejected`."""
    return parse_json(message.body)


def parse_json(body: bytes) -> Any:
    """Parse a message body; an empty one is an empty object. Raises `Rejected`."""
    try:
        return read_json(body or b"{}")
    except ValueError as error:
        raise Rejected(f"The body is not JSON: {error}.") from None


def acknowledging_middleware(dead_letters: DeadLetters) -> type[BaseMiddleware[Any, Any]]:
    """Return the FastStream middleware class that settles each message after its handler ran."""

    class Acknowledge(BaseMiddleware[Any, Any]):
        """Wraps one delivery of one message."""

        async def consume_scope(
            self,
            call_next: Callable[[Any], Awaitable[Any]],
            msg: StreamMessage[Any],
        ) -> Any:
            """Run the handler, then settle the message by how that ended."""
            await handle_delivery(msg.raw_message, lambda: call_next(msg), dead_letters)

        async def after_processed(
            self,
            exc_type: type[BaseException] | None = None,
            exc_val: BaseException | None = None,
            exc_tb: TracebackType | None = None,
        ) -> bool | None:
            """Make a message that no handler took a dead letter; true says it is settled."""
            # Errors outside `consume_scope` (no handler for the subject) arrive here.
            if exc_val is not None and isinstance(exc_val, Exception) and self.msg is not None:
                await dead_letters.store(self.msg, f"{type(exc_val).__name__}: {exc_val}")
                return True
            return await super().after_processed(exc_type, exc_val, exc_tb)

    return Acknowledge


async def handle_delivery(
    raw: Msg, handle: Callable[[], Awaitable[Any]], dead_letters: DeadLetters
) -> None:
    """Handle one delivery and settle it; one beyond `MAX_DELIVERIES` is a dead letter unhandled."""
    meta = raw.metadata
    with structlog.contextvars.bound_contextvars(
        subject=raw.subject, wave=(raw.headers or {}).get("ce-correlationid", "")
    ):
        if meta.num_delivered > MAX_DELIVERIES:
            reason = f"Delivered {meta.num_delivered} times and never finished."
            await dead_letters.store(raw, reason)
            return
        ack_wait = ACK_WAIT_SECONDS.get(meta.consumer, DEFAULT_ACK_WAIT_SECONDS)
        async with _kept_in_progress(raw, ack_wait):
            problem = await _attempt(handle)
        await _settle(raw, problem, dead_letters)


async def _attempt(handle: Callable[[], Awaitable[Any]]) -> Exception | None:
    """Run a handler and return the error that it raised; None if it succeeded."""
    try:
        await handle()
    except Exception as error:  # noqa: BLE001 - `_settle` decides by the error's family
        return error
    return None


async def _settle(raw: Msg, problem: Exception | None, dead_letters: DeadLetters) -> None:
    """Acknowledge a message, ask for redelivery, or make it a dead letter, by its `problem`."""
    deliveries = raw.metadata.num_delivered
    if problem is None:
        await raw.ack_sync()
    elif isinstance(problem, Rejected | ValidationError | InjectionError):
        await dead_letters.store(raw, describe_error(problem))
    elif isinstance(problem, Transient) and deliveries < MAX_DELIVERIES:
        log.info("message_postponed", reason=str(problem), deliveries=deliveries)
        await raw.nak(delay=max(problem.delay, _backoff_seconds(deliveries)))
    elif deliveries < MAX_DELIVERIES:
        log.error("message_failed", deliveries=deliveries, exc_info=problem)
        await raw.nak(delay=_backoff_seconds(deliveries))
    else:
        log.error("message_gave_up", deliveries=deliveries, exc_info=problem)
        await dead_letters.store(raw, describe_error(problem))


def _backoff_seconds(deliveries: int) -> float:
    """Return the delay before the next delivery of a message delivered so many times."""
    last = len(REDELIVERY_BACKOFF_SECONDS)
    return REDELIVERY_BACKOFF_SECONDS[min(deliveries, last) - 1]


def describe_error(problem: Exception) -> str:
    """Return our errors' own message, what is invalid in a body, and the repr of any other."""
    if isinstance(problem, InjectionError):
        problem = problem.original_error
    if isinstance(problem, ValidationError):
        return f"The body is invalid. {describe_validation_error(problem)}"
    return str(problem) if isinstance(problem, Rejected | Transient) else repr(problem)


@contextlib.asynccontextmanager
async def _kept_in_progress(raw: Msg, ack_wait: float) -> AsyncIterator[None]:
    """Extend the message's ack wait (in seconds) well before it ends, inside the block."""

    async def extend() -> None:
        """Extend the ack wait at intervals until cancelled."""
        while True:
            await asyncio.sleep(min(ack_wait / 3, EXTEND_INTERVAL_SECONDS))
            await raw.in_progress()

    task = asyncio.create_task(extend())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
