"""Enhancements over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.api import usecases
from services.api.ports import Desk
from shared.contracts.answers import DecisionAccepted, RollbackAccepted, RollbackAsked
from shared.contracts.commands import Said, Undo, UndoSince
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.story import Story


def enhancement_routes(desk: Desk) -> APIRouter:
    """Routes over `desk`."""
    router = APIRouter(prefix="/enhancements", tags=["enhancements"])

    @router.get("")
    async def list_enhancements(
        wave: str = "", state: str = "", limit: Annotated[int, Query(ge=1, le=5000)] = 100
    ) -> list[Enhancement]:
        return await usecases.list_enhancements(wave, state, limit, desk)

    @router.get("/{enhancement}")
    async def show_enhancement(enhancement: str) -> Enhancement:
        return await usecases.show_enhancement(enhancement, desk)

    @router.get("/{enhancement}/diff", response_class=Response)
    async def show_diff(enhancement: str) -> Response:
        return Response(await usecases.show_diff(enhancement, desk), media_type="text/x-diff")

    @router.get("/{enhancement}/story")
    async def tell_story(enhancement: str) -> Story:
        return await usecases.tell_story(enhancement, desk)

    @router.post("/rollback", status_code=202)
    async def ask_rollback_since(asked: UndoSince) -> RollbackAsked:
        return await usecases.ask_rollback_since(asked, desk)

    @router.post("/{enhancement}/rollback", status_code=202)
    async def ask_rollback(enhancement: str, asked: Undo | None = None) -> RollbackAccepted:
        return await usecases.ask_rollback(enhancement, asked or Undo(), desk)

    @router.post("/{enhancement}/approve", status_code=202)
    async def approve(enhancement: str, said: Said) -> DecisionAccepted:
        return await usecases.hand_over(enhancement, "approve", said, desk)

    @router.post("/{enhancement}/reject", status_code=202)
    async def reject(enhancement: str, said: Said) -> DecisionAccepted:
        return await usecases.hand_over(enhancement, "reject", said, desk)

    return router
