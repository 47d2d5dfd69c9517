"""Listing the changes that need approval in groups, and deciding about many at once."""

from typing import Any

from services.api.domain.approvals import group_for_approval, is_selected
from services.api.ports import ApiDeps
from services.api.usecases.enhancements import decide_about
from services.api.usecases.targets import find_targets
from shared.contracts.answers import DecisionsAccepted
from shared.contracts.commands import ApprovalFilter, Decision, DecisionOnMany
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.states import EnhancementState
from shared.contracts.views import ApprovalGroups
from shared.kernel.errors import NotFound


async def list_approvals(wanted: ApprovalFilter, deps: ApiDeps) -> ApprovalGroups:
    """Group the matching changes that need approval. Raises `NotFound` for an unknown target."""
    return ApprovalGroups(groups=group_for_approval(await _selected(wanted, deps)))


async def submit_decisions(
    decision: Decision, given: DecisionOnMany, deps: ApiDeps
) -> DecisionsAccepted:
    """Publish one decision about all selected changes, each for its present patch.

    Raises `NotFound` if no change is selected, or the target is unknown.
    """
    changes = await _selected(given, deps)
    if not changes:
        raise NotFound(
            "No change that needs approval is selected.",
            hint="See groundswell enhancement approvals.",
            code="nothing_selected",
        )
    accepted = [await decide_about(each, decision, given, deps) for each in changes]
    return DecisionsAccepted(items=tuple(accepted))


async def _selected(wanted: ApprovalFilter, deps: ApiDeps) -> list[Enhancement]:
    """Return the changes that need approval and match the filter, oldest first."""
    where: dict[str, Any] = {"state": EnhancementState.NEEDS_APPROVAL}
    if wanted.target:
        where["target_id"] = [each.id for each in await find_targets(wanted.target, deps)]
    found = await deps.store.enhancements.find(**where)
    selected = [each for each in found if is_selected(each, wanted.rule, wanted.component)]
    return sorted(selected, key=lambda each: each.id)
