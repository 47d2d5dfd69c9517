"""Health, status, and the event stream."""

import re
from typing import Annotated

from fastapi import APIRouter, Header, Query
from sse_starlette import EventSourceResponse

from services.api import usecases
from services.api.ports import ApiDeps
from shared.contracts.answers import Ready, Status

# A JetStream sequence: what does not look like one is no place to resume at.
SEQUENCE = re.compile(r"[0-9]{1,18}")


def system_routes(deps: ApiDeps) -> APIRouter:
    """Routes over `deps`."""
    router = APIRouter(tags=["system"])

    @router.get("/health/live")
    async def live() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/health/ready")
    async def ready() -> Ready:
        return await usecases.check_ready(deps)

    @router.get("/status")
    async def status() -> Status:
        return await usecases.get_status(deps)

    @router.get("/events", response_class=EventSourceResponse)
    async def events(
        after: Annotated[int | None, Query(ge=0, lt=1 << 63)] = None,
        wave: str = "",
        last_event_id: Annotated[str, Header()] = "",
    ) -> EventSourceResponse:
        start = int(last_event_id) if SEQUENCE.fullmatch(last_event_id) else after
        return EventSourceResponse(usecases.tell(start, wave, deps), ping=15)

    return router
