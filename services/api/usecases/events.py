"""The event stream as server-sent events: each with the sequence to resume after."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

from services.api.ports import ApiDeps


async def tell(after: int | None, wave: str, deps: ApiDeps) -> AsyncIterator[dict[str, str]]:
    """Every event after `after`, else the new ones; of one wave, or all. Ends with the service."""
    events = deps.bus.events(after=after)
    stopping = asyncio.create_task(deps.stopping.wait())
    try:
        while True:
            coming = asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait({coming, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if coming not in done:
                coming.cancel()
                with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                    await coming
                return
            try:
                heard = coming.result()
            except StopAsyncIteration:
                return
            if wave and heard.data.get("wave_id") != wave:
                continue
            data = {"type": heard.subject, "time": heard.time.isoformat(), **heard.data}
            yield {
                "id": str(heard.sequence),
                "event": heard.subject.removeprefix("gs.evt."),
                "data": json.dumps(data),
            }
    finally:
        stopping.cancel()
        await events.aclose()  # type: ignore[attr-defined]
