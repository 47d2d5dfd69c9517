"""Enhancements over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.api import usecases
from services.api.ports import ApiDeps
from shared.contracts.answers import DecisionAccepted, RollbackAccepted, RollbackAsked
from shared.contracts.commands import DecisionReason, RollbackOptions, RollbackSince
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.story import Story


def enhancement_routes(deps: ApiDeps) -> APIRouter:
    """Routes over `deps`."""
    router = APIRouter(prefix="/enhancements", tags=["enhancements"])

    @router.get("")
    async def list_enhancements(
        wave: str = "", state: str = "", limit: Annotated[int, Query(ge=1, le=5000)] = 100
    ) -> list[Enhancement]:
        return await usecases.list_enhancements(wave, state, limit, deps)

    @router.get("/{enhancement}")
    async def show_enhancement(enhancement: str) -> Enhancement:
        return await usecases.show_enhancement(enhancement, deps)

    @router.get("/{enhancement}/diff", response_class=Response)
    async def show_diff(enhancement: str) -> Response:
        return Response(await usecases.show_diff(enhancement, deps), media_type="text/x-diff")

    @router.get("/{enhancement}/story")
    async def tell_story(enhancement: str) -> Story:
        return await usecases.tell_story(enhancement, deps)

    @router.post("/rollback", status_code=202)
    async def ask_rollback_since(asked: RollbackSince) -> RollbackAsked:
        return await usecases.ask_rollback_since(asked, deps)

    @router.post("/{enhancement}/rollback", status_code=202)
    async def ask_rollback(
        enhancement: str, asked: RollbackOptions | None = None
    ) -> RollbackAccepted:
        return await usecases.ask_rollback(enhancement, asked or RollbackOptions(), deps)

    @router.post("/{enhancement}/approve", status_code=202)
    async def approve(enhancement: str, said: DecisionReason) -> DecisionAccepted:
        return await usecases.hand_over(enhancement, "approve", said, deps)

    @router.post("/{enhancement}/reject", status_code=202)
    async def reject(enhancement: str, said: DecisionReason) -> DecisionAccepted:
        return await usecases.hand_over(enhancement, "reject", said, deps)

    return router
