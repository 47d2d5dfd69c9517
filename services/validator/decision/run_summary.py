"""Describes in one sentence what a run of the gate showed."""

from services.validator.decision.evidence import (
    DoesNotApply,
    NoReport,
    RequestedRun,
    RunComparison,
    RunEvidence,
)
from shared.contracts.base import RunPurpose


def summarize_run(requested: RequestedRun, found: RunEvidence, count: int) -> str:
    """Return a sentence on a run of `count` tests: its purpose, its changes, and what it showed."""
    changes = len(requested.plan.changes)
    with_changes = f" with {changes} change{'s' * (changes > 1)}" if changes else ""
    return f"{requested.purpose}{with_changes}: {_result(requested, found, count)}"


def _result(requested: RequestedRun, found: RunEvidence, count: int) -> str:
    """Return what a run of `count` tests showed: its figures and the conclusion from them."""
    if isinstance(found, DoesNotApply):
        is_one = len(requested.plan.changes) <= 1
        return f"{'it does' if is_one else 'they do'} not apply without others"
    if isinstance(found, NoReport):
        return f"no report, so no change is blamed ({found.reason})"
    figures = f"{count} test{'s' * (count != 1)}, {len(found.worse)} worse"
    conclusion = _conclusion(requested, found)
    return f"{figures}: {conclusion}" if conclusion else figures


def _conclusion(requested: RequestedRun, found: RunComparison) -> str:
    """Return what follows about the changes from a run with a report; empty if nothing does."""
    worse, changes = len(found.worse), len(requested.plan.changes)
    is_confirmation = requested.purpose is RunPurpose.CONFIRMATION
    if not changes:
        return f"{worse} fail there too" if worse else "they pass there"
    if not worse:
        if is_confirmation:
            return "they passed this time"
        return f"cleared {changes}" if requested.plan.tests else ""
    if is_confirmation:
        return "they failed again"
    return "it is a suspect" if changes == 1 else f"the culprit is among {changes}"
