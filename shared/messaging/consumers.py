"""Consumers, and the one wrapper that decides what becomes of a message.

Success → ack. `Rejected` or a body that does not validate → dead letter with its reason, then
term. `Transient` → later again. Anything else → later again with back-off, and after five
deliveries a dead letter. (FastStream's own ack policies lose work: see FACTS.)
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Any

import structlog
from fast_depends.exceptions import ValidationError as InjectionError
from faststream import AckPolicy, BaseMiddleware
from faststream.message import StreamMessage
from faststream.nats import JStream, NatsMessage, PullSub
from nats.aio.msg import Msg
from pydantic import ValidationError

from shared.contracts.base import Message
from shared.contracts.streams import CONSUMERS, Consumer
from shared.kernel.errors import Rejected, Transient
from shared.messaging.dead_letters import DeadLetters
from shared.messaging.rpc import explain

log = structlog.get_logger(__name__)

MAX_DELIVERIES = 5
BACK_OFF = (0.2, 1.0, 3.0, 8.0)
ACK_WAIT = {consumer.name: consumer.ack_wait for consumer in CONSUMERS}


def subscriber_options(consumer: Consumer) -> dict[str, Any]:
    """The keyword arguments of a subscriber on `consumer`, which the provisioner has made.

    One message at a time: prefetching makes work wait behind other work and run out of its time.
    """
    return {
        "stream": JStream(consumer.stream, declare=False),
        "durable": consumer.name,
        "pull_sub": PullSub(batch_size=1, timeout=5.0),
        "ack_policy": AckPolicy.MANUAL,
        "inbox_prefix": f"_INBOX_{consumer.name}.".encode(),
        "no_reply": True,
    }


def of_type(*kinds: type[Message]) -> Callable[[StreamMessage[Msg]], Awaitable[bool]]:
    """Return a filter that lets only messages of these kinds through to a handler."""
    subjects = {each.subject for each in kinds}

    async def matches(received: StreamMessage[Msg]) -> bool:
        return received.raw_message.subject in subjects

    return matches


async def reject_unknown(body: Any) -> None:
    """The last handler of a consumer of several kinds: what nobody knows is refused aloud."""
    raise Rejected("No handler knows this subject.", hint=f"Body: {str(body)[:200]}")


async def decode(message: StreamMessage[Msg]) -> Any:
    """JSON, whatever the headers say; an empty body is an empty object."""
    try:
        return json.loads(message.body or b"{}")
    except ValueError as error:
        raise Rejected(f"The body is not JSON: {error}.") from None


def wrapper(dead_letters: DeadLetters) -> type[BaseMiddleware[Any, Any]]:
    """The middleware class bound to where dead letters go."""

    class Acknowledge(BaseMiddleware[Any, Any]):
        """Wraps one delivery of one message."""

        async def consume_scope(
            self,
            call_next: Callable[[Any], Awaitable[Any]],
            msg: StreamMessage[Any],
        ) -> Any:
            await deliver(msg.raw_message, lambda: call_next(msg), dead_letters)

        async def after_processed(
            self,
            exc_type: type[BaseException] | None = None,
            exc_val: BaseException | None = None,
            exc_tb: TracebackType | None = None,
        ) -> bool | None:
            # What fails outside `consume_scope` (no handler for the subject) ends here.
            if exc_val is not None and isinstance(exc_val, Exception) and self.msg is not None:
                await dead_letters.bury(self.msg, f"{type(exc_val).__name__}: {exc_val}")
                return True
            return await super().after_processed(exc_type, exc_val, exc_tb)

    return Acknowledge


async def deliver(
    raw: Msg, handle: Callable[[], Awaitable[Any]], dead_letters: DeadLetters
) -> None:
    """One delivery from its beginning to its end: handled, and acked, postponed or buried."""
    meta = raw.metadata
    with structlog.contextvars.bound_contextvars(
        subject=raw.subject, wave=(raw.headers or {}).get("ce-correlationid", "")
    ):
        if meta.num_delivered > MAX_DELIVERIES:
            reason = f"Delivered {meta.num_delivered} times and never finished."
            await dead_letters.bury(raw, reason)
            return
        async with _kept_in_progress(raw, ACK_WAIT.get(meta.consumer, 10.0)):
            problem = await _attempt(handle)
        await _settle(raw, problem, dead_letters)


async def _attempt(handle: Callable[[], Awaitable[Any]]) -> Exception | None:
    try:
        await handle()
    except Exception as error:  # noqa: BLE001 - its family decides, in `_settle`
        return error
    return None


async def _settle(raw: Msg, problem: Exception | None, dead_letters: DeadLetters) -> None:
    """Ack, ask for it again, or bury it."""
    deliveries = raw.metadata.num_delivered
    if problem is None:
        await raw.ack_sync()
    elif isinstance(problem, Rejected | ValidationError | InjectionError):
        await dead_letters.bury(raw, reason(problem))
    elif isinstance(problem, Transient) and deliveries < MAX_DELIVERIES:
        log.info("message_postponed", reason=str(problem), deliveries=deliveries)
        await raw.nak(delay=max(problem.delay, BACK_OFF[min(deliveries, len(BACK_OFF)) - 1]))
    elif deliveries < MAX_DELIVERIES:
        log.error("message_failed", deliveries=deliveries, exc_info=problem)
        await raw.nak(delay=BACK_OFF[min(deliveries, len(BACK_OFF)) - 1])
    else:
        log.error("message_gave_up", deliveries=deliveries, exc_info=problem)
        await dead_letters.bury(raw, reason(problem))


def reason(problem: Exception) -> str:
    """A problem as one sentence."""
    if isinstance(problem, InjectionError):
        problem = problem.original_error
    if isinstance(problem, ValidationError):
        return f"The body is invalid. {explain(problem)}"
    return str(problem) if isinstance(problem, Rejected | Transient) else repr(problem)


@contextlib.asynccontextmanager
async def _kept_in_progress(raw: Msg, ack_wait: float) -> AsyncIterator[None]:
    """Tell the server every third of the ack wait that the work goes on."""

    async def beat() -> None:
        while True:
            await asyncio.sleep(ack_wait / 3)
            await raw.in_progress()

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


__all__ = [
    "NatsMessage",
    "decode",
    "deliver",
    "of_type",
    "reason",
    "reject_unknown",
    "subscriber_options",
    "wrapper",
]
