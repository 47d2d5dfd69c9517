"""Routes for probes, at the root."""

from fastapi import APIRouter

from services.api import usecases
from services.api.routes.access import Open
from shared.contracts.answers import Readiness


def probe_routes() -> APIRouter:
    """Return the routes that tell whether the API is alive, and whether the system is ready."""
    router = APIRouter(tags=["system"])

    @router.get("/health/live")
    async def live() -> dict[str, str]:
        """Answer that the process is alive, whatever else is up."""
        return {"status": "ok"}

    @router.get("/health/ready")
    async def ready(deps: Open) -> Readiness:
        """Return the services that answer; 503 with the reason unless all are ready."""
        return await usecases.check_ready(deps)

    return router
