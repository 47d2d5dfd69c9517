"""Routes under /enhancements for what people decide about."""

from fastapi import APIRouter

from services.api import usecases
from services.api.ports import ApiDeps
from shared.contracts.answers import DecisionAccepted, DecisionsAccepted
from shared.contracts.commands import ApprovalFilter, DecisionOnMany, DecisionReason
from shared.contracts.views import ApprovalGroups


def approval_routes(deps: ApiDeps) -> APIRouter:
    """Return the routes for approvals, to be added before those that take any id in their place."""
    router = APIRouter(prefix="/enhancements", tags=["enhancements"])

    @router.get("/approvals")
    async def list_approvals(
        target: str = "", rule: str = "", component: str = ""
    ) -> ApprovalGroups:
        """Return the changes that need approval, grouped by reason, rule and component."""
        wanted = ApprovalFilter(target=target, rule=rule, component=component)
        return await usecases.list_approvals(wanted, deps)

    @router.post("/approve", status_code=202)
    async def approve_many(given: DecisionOnMany) -> DecisionsAccepted:
        """Approve every selected change that needs approval, each in its present patch."""
        return await usecases.submit_decisions("approve", given, deps)

    @router.post("/reject", status_code=202)
    async def reject_many(given: DecisionOnMany) -> DecisionsAccepted:
        """Reject every selected change that needs approval."""
        return await usecases.submit_decisions("reject", given, deps)

    @router.post("/{enhancement}/approve", status_code=202)
    async def approve(enhancement: str, given: DecisionReason) -> DecisionAccepted:
        """Approve a change: it lands if it still passes."""
        return await usecases.submit_decision(enhancement, "approve", given, deps)

    @router.post("/{enhancement}/reject", status_code=202)
    async def reject(enhancement: str, given: DecisionReason) -> DecisionAccepted:
        """Reject a change that needs approval."""
        return await usecases.submit_decision(enhancement, "reject", given, deps)

    return router
