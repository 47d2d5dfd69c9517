"""Create the streams and consumers of `shared.contracts.streams`, and reject any other difference.

Two differences are resolved because nothing is lost by it: subjects that a stream lacks are added,
and a lower limit of unacknowledged messages is raised.

Idempotent, and safe to run in several services at the same time.
To run it alone: `python -m shared.messaging.provision`.
"""

import asyncio
import os
from dataclasses import replace
from typing import Any

import nats
import nats.errors
import nats.js.errors
import structlog
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.errors import BadRequestError, NotFoundError

from shared.contracts.streams import CONSUMERS, STREAMS, Consumer, Retention, Stream
from shared.kernel.errors import Rejected, Transient
from shared.messaging.connection import inbox_prefix

log = structlog.get_logger(__name__)

DUPLICATE_WINDOW_SECONDS = 600.0
# Leaves room for a dead letter's headers, below the server's max_payload of 1 MiB.
MAX_MESSAGE_BYTES = 1_000_000
REQUEST_TIMEOUT_SECONDS = 10
STREAM_POLL_SECONDS = 0.2


def stream_config(stream: Stream) -> StreamConfig:
    """Return JetStream's configuration of `stream`; a work queue never drops accepted messages."""
    work_queue = stream.retention is Retention.WORK_QUEUE
    return StreamConfig(
        name=stream.name,
        subjects=list(stream.subjects),
        retention=RetentionPolicy(str(stream.retention)),
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW if work_queue else DiscardPolicy.OLD,
        max_age=stream.max_age,
        max_msgs=stream.max_messages,
        max_bytes=stream.max_bytes,
        max_msg_size=MAX_MESSAGE_BYTES if stream.name != "GS_DLQ" else -1,
        duplicate_window=DUPLICATE_WINDOW_SECONDS,
        deny_delete=True,
        deny_purge=work_queue,
    )


def consumer_config(consumer: Consumer) -> ConsumerConfig:
    """Return JetStream's configuration of `consumer`.

    The number of deliveries is not limited here but in `shared.messaging.consumers`, which makes a
    dead letter of the message.
    """
    return ConsumerConfig(
        durable_name=consumer.name,
        filter_subject=None if consumer.filter_subjects else consumer.filter,
        filter_subjects=list(consumer.filter_subjects) or None,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=consumer.ack_wait,
        max_ack_pending=consumer.max_ack_pending,
        max_deliver=-1,
    )


async def provision(url: str, service: str = "", *, ack_wait_seconds: float | None = None) -> None:
    """Create or extend every stream and consumer, as the NATS user of `service`.

    `ack_wait_seconds` replaces the consumers' own ack wait: how long after the death of a service
    the messages it was handling are delivered again. Raises `Rejected` with each other setting that
    differs.
    """
    client = await nats.connect(
        url, connect_timeout=2, max_reconnect_attempts=5, inbox_prefix=inbox_prefix(service)
    )
    try:
        await _ensure_all(client, ack_wait_seconds)
    finally:
        await client.close()


async def restore_missing(client: Client, *, ack_wait_seconds: float | None = None) -> None:
    """Create what somebody has deleted since the start; what was queued in it is derived again."""
    missing = await find_missing(client)
    if missing:
        log.warning("streams_restored", missing=missing)
        await _ensure_all(client, ack_wait_seconds)


async def find_missing(client: Client) -> list[str]:
    """Return the names of the streams and consumers that do not exist. Raises `Transient`."""
    jetstream = client.jetstream(timeout=REQUEST_TIMEOUT_SECONDS)
    found = await asyncio.gather(*(_missing_of(jetstream, each) for each in STREAMS))
    return [name for each in found for name in each]


async def _missing_of(jetstream: JetStreamContext, stream: Stream) -> list[str]:
    """Return the names of the stream's consumers that do not exist, or its own if it does not."""
    wanted = {each.name for each in CONSUMERS if each.stream == stream.name}
    try:
        answer = await jetstream._api_request(  # noqa: SLF001 - nats-py only lists whole consumers
            f"$JS.API.CONSUMER.NAMES.{stream.name}", b"", timeout=REQUEST_TIMEOUT_SECONDS
        )
    except NotFoundError:
        return [stream.name]
    except (nats.errors.Error, nats.js.errors.Error) as error:
        raise Transient("NATS does not answer.", hint=repr(error)) from error
    return sorted(wanted - set(answer["consumers"] or ()))


async def _ensure_all(client: Client, ack_wait_seconds: float | None) -> None:
    """Create or extend streams and consumers. Raises `Rejected` with every other difference."""
    consumers = [replace(each, ack_wait=ack_wait_seconds or each.ack_wait) for each in CONSUMERS]
    jetstream = client.jetstream(timeout=REQUEST_TIMEOUT_SECONDS)
    drift = [line for stream in STREAMS for line in await _ensure_stream(jetstream, stream)]
    lines = await asyncio.gather(*(_ensure_consumer(jetstream, each) for each in consumers))
    drift += [line for each in lines for line in each]
    if drift:
        raise Rejected(
            f"JetStream is set up differently: {'; '.join(drift)}.",
            hint="Drain and delete what differs, or use the server of this version.",
            code="stream_drift",
        )


async def _ensure_stream(jetstream: JetStreamContext, stream: Stream) -> list[str]:
    """Create a stream or add its missing subjects; return what still differs, in clauses."""
    wanted = stream_config(stream)
    try:
        found = (await jetstream.stream_info(stream.name)).config
    except NotFoundError:
        try:
            await jetstream.add_stream(wanted)
        except BadRequestError:
            # Another process created it in the meantime, perhaps with other settings.
            found = (await jetstream.stream_info(stream.name)).config
        else:
            return []
    if set(found.subjects or ()) < set(stream.subjects):
        # A newer version knows more commands; adding their subjects loses nothing.
        found = (await jetstream.update_stream(replace(found, subjects=wanted.subjects))).config
    names = ("subjects", "retention", "storage", "discard", "max_age", "max_msgs", "max_bytes")
    return _differences(stream.name, wanted, found, names)


async def _ensure_consumer(jetstream: JetStreamContext, consumer: Consumer) -> list[str]:
    """Create a consumer or raise its limit; return what still differs, in clauses."""
    wanted = consumer_config(consumer)
    try:
        found = (await jetstream.consumer_info(consumer.stream, consumer.name)).config
    except NotFoundError:
        await jetstream.add_consumer(consumer.stream, wanted)
        return []
    if (found.max_ack_pending or 0) < consumer.max_ack_pending:
        found.max_ack_pending = consumer.max_ack_pending
        # JetStream updates an existing consumer when it is added again.
        await jetstream.add_consumer(consumer.stream, found)
    names = (
        "filter_subject",
        "filter_subjects",
        "ack_policy",
        "ack_wait",
        "max_ack_pending",
        "max_deliver",
    )
    return _differences(consumer.name, wanted, found, names)


def _differences(name: str, wanted: Any, found: Any, fields: tuple[str, ...]) -> list[str]:
    """Return a clause for each of these fields in which two configurations differ."""
    pairs = [(each, getattr(wanted, each), getattr(found, each)) for each in fields]
    return [
        f"{name}.{each} is {there!r}, not {here!r}" for each, here, there in pairs if here != there
    ]


async def await_streams(jetstream: JetStreamContext, *, timeout: float = 60.0) -> None:
    """Wait until the stream and consumer made last exist. Raises `Rejected` after `timeout` s."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    while True:
        try:
            await jetstream.stream_info(STREAMS[-1].name)
            await jetstream.consumer_info(CONSUMERS[-1].stream, CONSUMERS[-1].name)
        except (NotFoundError, TimeoutError) as error:
            if loop.time() > deadline:
                raise Rejected(
                    "The JetStream streams do not exist.",
                    hint="Run `python -m shared.messaging.provision` once.",
                    code="no_streams",
                ) from error
            await asyncio.sleep(STREAM_POLL_SECONDS)
        else:
            return


if __name__ == "__main__":
    NATS_URL = os.environ.get("GROUNDSWELL_NATS_URL", "nats://127.0.0.1:4222")
    asyncio.run(provision(NATS_URL, "coordinator"))
