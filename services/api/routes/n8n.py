"""Routes that automations such as n8n call; they answer at once and call back."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header

from services.api import usecases
from services.api.routes.access import Reading, Running, require_scope
from services.api.routes.lenient import described, reading
from shared.contracts.answers import (
    DeploymentAccepted,
    StoppedWaves,
    SystemHealth,
    ValidationAccepted,
)
from shared.contracts.commands import DeployAgents, StopAgents, ValidateEnhancement
from shared.contracts.documents.access import Scope


def n8n_routes() -> APIRouter:
    """Return the routes under /webhooks/n8n, and /api/validate."""
    router = APIRouter(tags=["automation"])

    @router.post(
        "/webhooks/n8n/agent/deploy", status_code=202, openapi_extra=described(DeployAgents)
    )
    async def deploy_agents(
        deps: Running,
        request: Annotated[DeployAgents, Depends(reading(DeployAgents))],
        idempotency_key: Annotated[str | None, Header(max_length=200)] = None,
    ) -> DeploymentAccepted:
        """Deploy the agents of a wave, and call `callback_url` when it has ended."""
        return await usecases.deploy_agents(request, idempotency_key, deps)

    @router.post("/webhooks/n8n/agent/stop", status_code=202, openapi_extra=described(StopAgents))
    async def stop_agents(
        deps: Running,
        request: Annotated[StopAgents, Depends(reading(StopAgents))],
    ) -> StoppedWaves:
        """Stop the agents of a wave."""
        return await usecases.stop_agents(request, deps)

    @router.post("/api/validate", status_code=202, openapi_extra=described(ValidateEnhancement))
    async def validate_enhancement(
        deps: Running,
        request: Annotated[ValidateEnhancement, Depends(reading(ValidateEnhancement))],
    ) -> ValidationAccepted:
        """Tell what became of a change, or land it or roll it back, and call `callback_url`.

        Landing and rolling back need the scope `approve` as well.
        """
        if request.action != "none":
            require_scope(deps.caller, Scope.APPROVE)
        return await usecases.validate_enhancement(request, deps)

    @router.get("/webhooks/n8n/health")
    async def get_health(deps: Reading) -> SystemHealth:
        """Return whether the services answer, what is going on, and the scores last measured."""
        return await usecases.get_system_health(deps)

    @router.post("/webhooks/n8n/health")
    async def post_health(deps: Reading) -> SystemHealth:
        """Return the same as GET, for nodes that post."""
        return await usecases.get_system_health(deps)

    return router
