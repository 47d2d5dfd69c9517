"""Changes that need approval, selected and grouped so that many are quick to decide about."""

from collections import defaultdict
from collections.abc import Iterable

from services.api.domain.report import needing_approval
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.views import ApprovalGroup


def is_selected(change: Enhancement, rule: str, component: str) -> bool:
    """Return whether a change is of this rule, by id or code, and component; empty is any."""
    fix = change.proposal.fix
    is_of_rule = not rule or rule in {fix.rule, fix.code}
    return is_of_rule and component in {"", change.proposal.component}


def group_for_approval(changes: Iterable[Enhancement]) -> tuple[ApprovalGroup, ...]:
    """Group changes by reason up to `: `, rule and component; the largest groups come first."""
    found: dict[tuple[str, str, str], list[Enhancement]] = defaultdict(list)
    for each in changes:
        reason = each.decision.approval_reason.partition(": ")[0]
        found[reason, each.proposal.fix.rule, each.proposal.component].append(each)
    ordered = sorted(found.items(), key=lambda each: (-len(each[1]), each[0]))
    return tuple(
        ApprovalGroup(
            reason=reason,
            rule=rule,
            component=component,
            changes=tuple(needing_approval(each) for each in members),
        )
        for (reason, rule, component), members in ordered
    )
