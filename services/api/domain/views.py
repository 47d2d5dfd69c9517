"""Builds the read models that the HTTP API answers with from stored documents."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from shared.contracts.base import Value
from shared.contracts.documents.backtests import Backtest
from shared.contracts.documents.base import Document
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.workflows import WorkflowRelease
from shared.contracts.views import (
    BacktestDetails,
    BacktestView,
    EnhancementDetails,
    EnhancementView,
    Page,
)

D = TypeVar("D", bound=Document)
V = TypeVar("V", bound=Value)


def make_page(documents: Sequence[D], limit: int, view: Callable[[D], V]) -> Page[V]:
    """Return the page of the first `limit` documents.

    `documents` has one document more than `limit` if there is a next page.
    """
    shown = documents[:limit]
    has_more = len(documents) > limit
    return Page(
        items=tuple(view(each) for each in shown),
        next=shown[-1].id if has_more else None,
    )


def enhancement_view(change: Enhancement) -> EnhancementView:
    """Return the summary of a change, as lists show it."""
    proposal, patch = change.proposal, change.proposal.patch
    return EnhancementView(
        id=change.id,
        wave_id=change.wave_id,
        component=proposal.component,
        agent_type=proposal.author.agent_type,
        rule=proposal.fix.rule,
        title=proposal.title,
        state=change.state,
        reason=change.decision.reason,
        files=proposal.files,
        lines_added=patch.lines_added if patch else 0,
        lines_removed=patch.lines_removed if patch else 0,
        commit=change.landing.commit,
        branch=change.landing.branch,
        created_at=change.created_at,
        changed_at=change.changed_at,
        finished_at=change.finished_at,
    )


def enhancement_details(
    change: Enhancement, releases: Sequence[WorkflowRelease] = ()
) -> EnhancementDetails:
    """Return a change in full, as the API shows a single one."""
    proposal, decision = change.proposal, change.decision
    return EnhancementDetails(
        **dict(enhancement_view(change)),
        task_id=change.task_id,
        agent=proposal.author.agent,
        engine=proposal.author.engine,
        epoch=proposal.epoch,
        safe=proposal.fix.safe,
        rationale=proposal.rationale,
        findings=proposal.findings,
        prediction=proposal.prediction,
        base_commit=proposal.patch.base_commit if proposal.patch else None,
        patch=proposal.patch.digest if proposal.patch else None,
        tests=decision.tests,
        evidence=decision.evidence,
        approval_reason=decision.approval_reason,
        proof=decision.proof,
        behaviour=decision.behaviour,
        protection=decision.protection,
        workflows=decision.workflows,
        releases=tuple(each.words for each in releases),
        approval=decision.approval,
        rollback=change.landing.rollback,
        rollback_refusal=change.landing.rollback_refusal,
        outline=proposal.outline,
        advice=proposal.advice,
        gain=decision.gain,
    )


def backtest_view(backtest: Backtest) -> BacktestView:
    """Return the summary of a backtest, as lists show it."""
    return BacktestView(
        id=backtest.id,
        name=backtest.name,
        location=backtest.location,
        base_branch=backtest.base_branch,
        since=backtest.since,
        limit=backtest.limit,
        state=backtest.state,
        done=len(backtest.replayed),
        total=backtest.total,
        created_at=backtest.created_at,
        finished_at=backtest.finished_at,
    )


def backtest_details(backtest: Backtest) -> BacktestDetails:
    """Return a backtest in full, as the API shows a single one."""
    return BacktestDetails(
        **dict(backtest_view(backtest)),
        since_commit=backtest.since_commit,
        head=backtest.head,
        replayed=backtest.replayed,
        summary=backtest.summary,
        sandbox=backtest.sandbox,
        failure=backtest.failure,
    )
