"""Routes for status and the event stream."""

import re
from typing import Annotated

from fastapi import APIRouter, Header, Query
from sse_starlette import EventSourceResponse

from services.api import usecases
from services.api.routes.access import Reading
from shared.contracts.answers import Status

# What does not look like a JetStream sequence number is no place to resume at.
SEQUENCE_NUMBER = re.compile(r"[0-9]{1,18}")
KEEP_ALIVE_SECONDS = 15


def system_routes() -> APIRouter:
    """Return the routes for status and the event stream."""
    router = APIRouter(tags=["system"])

    @router.get("/status")
    async def status(deps: Reading) -> Status:
        """Return counts, by state, of agents and of unfinished work."""
        return await usecases.get_status(deps)

    @router.get("/events", response_class=EventSourceResponse)
    async def events(
        deps: Reading,
        after: Annotated[int | None, Query(ge=0, lt=1 << 63)] = None,
        wave: str = "",
        last_event_id: Annotated[str, Header()] = "",
    ) -> EventSourceResponse:
        """Stream events, after a sequence number (`Last-Event-ID` comes first) or only new ones."""
        start = int(last_event_id) if SEQUENCE_NUMBER.fullmatch(last_event_id) else after
        stream = usecases.stream_events(start, wave, deps)
        return EventSourceResponse(stream, ping=KEEP_ALIVE_SECONDS)

    return router
