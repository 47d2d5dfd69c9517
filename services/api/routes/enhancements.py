"""Routes under /enhancements."""

from fastapi import APIRouter, Response

from services.api import usecases
from services.api.routes.access import Approving, Reading
from services.api.routes.locations import locate
from services.api.routes.paging import After, Limit, Wait
from shared.contracts.answers import (
    RollbackAccepted,
    RollbacksAccepted,
)
from shared.contracts.commands import (
    RollbackOptions,
    RollbackSince,
)
from shared.contracts.story import Story
from shared.contracts.views import EnhancementDetails, EnhancementView, Page


def enhancement_routes() -> APIRouter:
    """Return the routes under /enhancements, except those for approvals."""
    router = APIRouter(prefix="/enhancements", tags=["enhancements"])

    @router.get("")
    async def list_enhancements(
        deps: Reading, wave: str = "", state: str = "", limit: Limit = 100, after: After = None
    ) -> Page[EnhancementView]:
        """Return a page of changes, newest first: of one wave or all, in one state or any."""
        return await usecases.list_enhancements(wave, state, limit, after or "", deps)

    @router.get("/{enhancement}")
    async def get_enhancement(
        deps: Reading, enhancement: str, wait: Wait = 0
    ) -> EnhancementDetails:
        """Return a change with its findings, prediction and evidence.

        With `wait`, once its state has changed.
        """
        return await usecases.await_enhancement(enhancement, wait, deps)

    @router.get("/{enhancement}/diff", response_class=Response)
    async def get_diff(deps: Reading, enhancement: str) -> Response:
        """Return the patch of a change as a unified diff; 404 for advice, which has none."""
        return Response(await usecases.get_diff(enhancement, deps), media_type="text/x-diff")

    @router.get("/{enhancement}/story")
    async def get_story(deps: Reading, enhancement: str) -> Story:
        """Return what happened to a change, in order."""
        return await usecases.get_story(enhancement, deps)

    @router.post("/rollback", status_code=202)
    async def roll_back_since(deps: Approving, request: RollbackSince) -> RollbacksAccepted:
        """Roll back everything that landed on a repository since a time."""
        return await usecases.roll_back_since(request, deps)

    @router.post("/{enhancement}/rollback", status_code=202)
    async def roll_back_enhancement(
        deps: Approving,
        enhancement: str,
        response: Response,
        options: RollbackOptions | None = None,
    ) -> RollbackAccepted:
        """Roll back a landed change."""
        options = options or RollbackOptions()
        accepted = await usecases.roll_back_enhancement(enhancement, options, deps)
        locate(response, f"/enhancements/{accepted.enhancement_id}")
        return accepted

    return router
