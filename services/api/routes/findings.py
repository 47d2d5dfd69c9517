"""Routes under /findings."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from services.api import usecases
from services.api.routes.access import Reading, Running
from shared.contracts.answers import FindingList, ImportAccepted
from shared.contracts.commands import LogOrigin

TargetName = Annotated[str, Query(max_length=4096, description="Its id, path or URL.")]
BaseBranch = Annotated[str | None, Query(max_length=255)]
Limit = Annotated[int, Query(ge=1, le=20_000)]


def finding_routes() -> APIRouter:
    """Return the routes under /findings."""
    router = APIRouter(prefix="/findings", tags=["findings"])

    @router.post("/import", status_code=202)
    async def import_findings(
        deps: Running, origin: Annotated[LogOrigin, Query()], request: Request
    ) -> ImportAccepted:
        """Import the findings of another tool: the body is a SARIF 2.1.0 log."""
        return await usecases.import_findings(origin, await request.body(), deps)

    @router.get("")
    async def list_findings(
        deps: Reading,
        *,
        target: TargetName,
        base: BaseBranch = None,
        rule: str = "",
        component: str = "",
        limit: Limit = 1000,
    ) -> FindingList:
        """Return findings of a target: what was measured last, and what was imported."""
        return await usecases.list_findings(
            target, base, deps, rule=rule, component=component, limit=limit
        )

    @router.get("/export")
    async def export_findings(deps: Reading, target: TargetName, base: BaseBranch = None) -> Any:
        """Return all findings of a target as a SARIF 2.1.0 log."""
        return await usecases.export_findings(target, base, deps)

    return router
