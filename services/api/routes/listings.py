"""Routes under /targets, /conflicts and /leases."""

from typing import Annotated

from fastapi import APIRouter, Query

from services.api import usecases
from services.api.routes.access import Reading
from services.api.routes.paging import After, Limit
from shared.contracts.views import Conflicts, Leases, Page, TargetView

TargetName = Annotated[str, Query(max_length=4096, description="Its id, path or URL.")]


def listing_routes() -> APIRouter:
    """Return the routes that tell what is improved, who may change what, and what overlaps."""
    router = APIRouter()

    @router.get("/targets", tags=["targets"])
    async def list_targets(
        deps: Reading, limit: Limit = 100, after: After = None
    ) -> Page[TargetView]:
        """Return a page of targets, newest first."""
        return await usecases.list_targets(limit, after or "", deps)

    @router.get("/targets/{target}", tags=["targets"])
    async def get_target(deps: Reading, target: str) -> TargetView:
        """Return a target."""
        return await usecases.get_target(target, deps)

    @router.get("/conflicts", tags=["conflicts"])
    async def list_conflicts(
        deps: Reading,
        target: TargetName = "",
        wave: str = "",
        *,
        unresolved: bool = False,
        limit: Limit = 100,
    ) -> Conflicts:
        """Return overlaps between proposals, the newest first, and how each was settled."""
        return await usecases.list_conflicts(
            target, wave, unresolved=unresolved, limit=limit, deps=deps
        )

    @router.get("/leases", tags=["leases"])
    async def list_leases(deps: Reading, target: TargetName = "") -> Leases:
        """Return the leases that are held, and the claims that wait for them."""
        return await usecases.list_leases(target, deps)

    return router
