"""The event stream as server-sent events."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from services.api.domain.access import Caller
from services.api.ports import ApiDeps, StreamedEvent


async def stream_events(
    after: int | None, wave: str, deps: ApiDeps
) -> AsyncIterator[dict[str, str]]:
    """Yield every event after the sequence number `after`, or only new ones if that is None.

    With `wave`, only events of that wave; for a key of some targets, only theirs. The `id` of each
    is the sequence number to resume after.
    The stream ends when the service stops.
    """
    arrived: asyncio.Queue[StreamedEvent] = asyncio.Queue(1)
    reader = asyncio.create_task(_read(deps.bus.events(after=after), arrived))
    stopping = asyncio.create_task(deps.stopping.wait())
    try:
        while (event := await _next_unless(stopping, reader, arrived)) is not None:
            if _is_wanted(event, wave, deps.caller):
                yield _encode(event)
    finally:
        # Nothing is awaited: when a client leaves, this is cancelled again at every await.
        stopping.cancel()
        reader.cancel()


async def _read(
    events: AsyncGenerator[StreamedEvent, None], arrived: "asyncio.Queue[StreamedEvent]"
) -> None:
    """Put all events into a queue, and close them in the end: only who waits for them can."""
    async with aclosing(events):
        async for event in events:
            await arrived.put(event)


async def _next_unless(
    stopping: "asyncio.Task[bool]",
    reader: "asyncio.Task[None]",
    arrived: "asyncio.Queue[StreamedEvent]",
) -> StreamedEvent | None:
    """Return the next event, or None once `stopping` is done or the events end.

    Raises what the reader raises.
    """
    coming = asyncio.create_task(arrived.get())
    try:
        await asyncio.wait({coming, reader, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if coming.done():
            return coming.result()
        if not stopping.done() and not arrived.empty():
            return arrived.get_nowait()
        if reader.done():
            reader.result()
        return None
    finally:
        coming.cancel()


def _is_wanted(event: StreamedEvent, wave: str, caller: Caller) -> bool:
    """Return whether an event is of the wave, if one is given, and of the caller's targets."""
    mine = not caller.targets or event.data.get("target_id") in caller.targets
    return mine and (not wave or event.data.get("wave_id") == wave)


def _encode(event: StreamedEvent) -> dict[str, str]:
    """Return the fields of a server-sent event: its id, its kind, and its data as JSON."""
    data = {"type": event.subject, "time": event.time.isoformat(), **event.data}
    return {
        "id": str(event.sequence),
        "event": event.subject.removeprefix("gs.evt."),
        "data": json.dumps(data),
    }
