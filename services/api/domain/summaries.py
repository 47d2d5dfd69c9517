"""What the report says about overlaps of proposals, pull requests and test runs."""

from shared.contracts.documents.conflicts import ConflictResolution
from shared.contracts.documents.review import PullRequest
from shared.contracts.documents.runs import TestRun
from shared.contracts.report import OverlapSummary, PullRequestSummary, RunSummary


def summarize_overlap(record: ConflictResolution) -> OverlapSummary:
    """Return what the report says about the overlap of two proposals."""
    return OverlapSummary(
        first=record.first.enhancement_id,
        second=record.second.enhancement_id,
        first_title=record.first.title,
        second_title=record.second.title,
        kind=record.kind,
        strategy=record.strategy,
        outcome=record.outcome,
        reason=record.reason,
        files=record.files,
    )


def summarize_pull_request(request: PullRequest) -> PullRequestSummary:
    """Return what the report says about a pull request."""
    return PullRequestSummary(
        branch=request.branch,
        onto=request.base_branch,
        state=request.state,
        url=request.url,
        reason=request.reason,
    )


def summarize_run(run: TestRun) -> RunSummary:
    """Return what the report says about a finished test run."""
    counts, worse = run.result.counts, run.result.worse
    return RunSummary(
        id=run.id,
        purpose=run.request.purpose,
        changes=len(run.request.changes),
        tests=counts.tests if counts else 0,
        failing=counts.failed if counts else 0,
        seconds=run.execution.seconds,
        outcome=run.result.outcome,
        why=run.request.why,
        worse=None if worse is None else len(worse),
    )
