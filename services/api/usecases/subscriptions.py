"""Makes a delivery of each event for each subscription that takes it."""

import asyncio
from contextlib import aclosing
from datetime import timedelta

from services.api.domain.subscriptions import EVENT_PREFIX, encode_event, lane_of, takes
from services.api.ports import ApiDeps, StreamedEvent
from shared.contracts.documents.webhooks import Delivery, EventCursor, Webhook
from shared.contracts.states import DeliveryState
from shared.kernel.ids import derive_uuid7

CURSOR = "webhooks"
MAX_BATCH = 256
# Longer than all tries take together.
LIFETIME = timedelta(hours=30)
# The place is stored after so many events that nobody took.
STORED_EVERY = 1000


async def follow_events(deps: ApiDeps) -> None:
    """Read the event stream from where it was left, until the connection closes.

    Any number of processes may: an event's delivery has an id of its own.
    """
    position = stored = await _position(deps)
    arrived: asyncio.Queue[StreamedEvent] = asyncio.Queue(MAX_BATCH)
    reader = asyncio.create_task(_read(position, arrived, deps))
    try:
        while (batch := await _next_batch(arrived, reader)) is not None:
            made = await _deliver(batch, deps)
            position = batch[-1].sequence
            if made or position - stored >= STORED_EVERY:
                await _remember(position, deps)
                stored = position
    finally:
        reader.cancel()


async def _position(deps: ApiDeps) -> int:
    """Return the number of the last event that was read; without any, the newest one."""
    cursor = await deps.store.cursors.get(CURSOR)
    newest = await deps.bus.last_sequence()
    if cursor is not None:
        # A stream that was made anew counts from the beginning.
        return cursor.sequence if cursor.sequence <= newest else 0
    webhooks = await deps.store.webhooks.find(direction="out")
    return min((each.after for each in webhooks), default=newest)


async def _remember(position: int, deps: ApiDeps) -> None:
    """Store how far the stream was read."""
    if not await deps.store.cursors.set_fields(CURSOR, sequence=position):
        await deps.store.cursors.insert(EventCursor(id=CURSOR, sequence=position))


async def _read(after: int, arrived: "asyncio.Queue[StreamedEvent]", deps: ApiDeps) -> None:
    """Put the events after a number into a queue."""
    async with aclosing(deps.bus.events(after=after)) as events:
        async for event in events:
            await arrived.put(event)


async def _next_batch(
    arrived: "asyncio.Queue[StreamedEvent]", reader: "asyncio.Task[None]"
) -> list[StreamedEvent] | None:
    """Return the events that are there, at least one; None once the reader has ended.

    Raises what the reader raises.
    """
    coming = asyncio.create_task(arrived.get())
    await asyncio.wait({coming, reader}, return_when=asyncio.FIRST_COMPLETED)
    if not coming.done() and arrived.empty():
        coming.cancel()
        reader.result()
        return None
    batch = [await coming]
    while not arrived.empty() and len(batch) < MAX_BATCH:
        batch.append(arrived.get_nowait())
    return batch


async def _deliver(batch: list[StreamedEvent], deps: ApiDeps) -> bool:
    """Store the deliveries of some events; return whether there are any."""
    webhooks = await deps.store.webhooks.find(direction="out", disabled="")
    made = [
        _delivery(webhook, event, topic, deps)
        for event in batch
        for webhook in webhooks
        if takes(
            webhook, topic := event.subject.removeprefix(EVENT_PREFIX), event.data, event.sequence
        )
    ]
    if made:
        await deps.store.deliveries.insert_missing(made)
    return bool(made)


def _delivery(webhook: Webhook, event: StreamedEvent, topic: str, deps: ApiDeps) -> Delivery:
    """Return the delivery of an event, the same one each time."""
    now = deps.clock()
    seed = f"{webhook.id}:{event.sequence}:{event.time.isoformat()}"
    return Delivery(
        id=derive_uuid7(seed, int(event.time.timestamp() * 1000)),
        kind="event",
        webhook_id=webhook.id,
        url=webhook.url,
        topic=topic,
        lane=lane_of(webhook, event.data, event.sequence),
        sequence=event.sequence,
        body=encode_event(topic, event.time, event.sequence, event.data),
        state=DeliveryState.PENDING,
        due_at=now,
        until=now + LIFETIME,
        created_at=now,
        changed_at=now,
    )
