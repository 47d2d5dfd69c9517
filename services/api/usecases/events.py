"""The event stream as server-sent events."""

import asyncio
import json
from collections.abc import AsyncIterator

from services.api.ports import ApiDeps, StreamedEvent


async def stream_events(
    after: int | None, wave: str, deps: ApiDeps
) -> AsyncIterator[dict[str, str]]:
    """Yield every event after the sequence number `after`, or only new ones if that is None.

    With `wave`, only events of that wave. The `id` of each is the sequence number to resume after.
    The stream ends when the service stops.
    """
    events = deps.bus.events(after=after)
    stopping = asyncio.create_task(deps.stopping.wait())
    try:
        while (event := await _next_unless(stopping, events)) is not None:
            if not wave or event.data.get("wave_id") == wave:
                yield _encode(event)
    finally:
        stopping.cancel()
        await events.aclose()


async def _next_unless(
    stopping: "asyncio.Task[bool]", events: AsyncIterator[StreamedEvent]
) -> StreamedEvent | None:
    """Return the next event, or None once `stopping` is done or the events end."""
    coming = asyncio.ensure_future(anext(events, None))
    try:
        await asyncio.wait({coming, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return coming.result() if coming.done() else None
    finally:
        # Also where this task is cancelled: `events` can only be closed when nothing waits for it.
        coming.cancel()
        await asyncio.wait({coming})
        if not coming.cancelled():
            coming.exception()


def _encode(event: StreamedEvent) -> dict[str, str]:
    """Return the fields of a server-sent event: its id, its kind, and its data as JSON."""
    data = {"type": event.subject, "time": event.time.isoformat(), **event.data}
    return {
        "id": str(event.sequence),
        "event": event.subject.removeprefix("gs.evt."),
        "data": json.dumps(data),
    }
