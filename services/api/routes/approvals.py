"""Routes under /enhancements for what people decide about."""

from fastapi import APIRouter, Response

from services.api import usecases
from services.api.routes.access import Approving, Reading
from services.api.routes.locations import locate
from shared.contracts.answers import DecisionAccepted, DecisionsAccepted
from shared.contracts.commands import ApprovalFilter, DecisionOnMany, DecisionReason
from shared.contracts.views import ApprovalGroups


def approval_routes() -> APIRouter:
    """Return the routes for approvals, to be added before those that take any id in their place."""
    router = APIRouter(prefix="/enhancements", tags=["enhancements"])

    @router.get("/approvals")
    async def list_approvals(
        deps: Reading, target: str = "", rule: str = "", component: str = ""
    ) -> ApprovalGroups:
        """Return the changes that need approval, grouped by reason, rule and component."""
        wanted = ApprovalFilter(target=target, rule=rule, component=component)
        return await usecases.list_approvals(wanted, deps)

    @router.post("/approve", status_code=202)
    async def approve_many(deps: Approving, given: DecisionOnMany) -> DecisionsAccepted:
        """Approve every selected change that needs approval, each in its present patch."""
        return await usecases.submit_decisions("approve", given, deps)

    @router.post("/reject", status_code=202)
    async def reject_many(deps: Approving, given: DecisionOnMany) -> DecisionsAccepted:
        """Reject every selected change that needs approval."""
        return await usecases.submit_decisions("reject", given, deps)

    @router.post("/{enhancement}/approve", status_code=202)
    async def approve(
        deps: Approving, enhancement: str, given: DecisionReason, response: Response
    ) -> DecisionAccepted:
        """Approve a change: it lands if it still passes."""
        accepted = await usecases.submit_decision(enhancement, "approve", given, deps)
        locate(response, f"/enhancements/{accepted.enhancement_id}")
        return accepted

    @router.post("/{enhancement}/reject", status_code=202)
    async def reject(
        deps: Approving, enhancement: str, given: DecisionReason, response: Response
    ) -> DecisionAccepted:
        """Reject a change that needs approval."""
        accepted = await usecases.submit_decision(enhancement, "reject", given, deps)
        locate(response, f"/enhancements/{accepted.enhancement_id}")
        return accepted

    return router
