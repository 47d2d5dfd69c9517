"""The report of a wave, from what is stored about it."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.api.domain.ids import short
from services.api.domain.measures import benchmarks, protection, recall, time_of_tests, waiting
from services.api.domain.trials import named
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.findings import Health
from shared.contracts.documents.protection import protection_share
from shared.contracts.documents.review import PullRequest
from shared.contracts.documents.runs import Recall, TestRun
from shared.contracts.documents.targets import Target
from shared.contracts.documents.waves import Wave
from shared.contracts.report import (
    Baseline,
    Commands,
    ComponentHealth,
    Cost,
    HealthChange,
    Landed,
    NotLanded,
    PullRequestShown,
    RunSummary,
    WaveReport,
)
from shared.contracts.states import EnhancementState, RunState
from shared.targets.repository import is_url

ON_BRANCH = {EnhancementState.APPLIED, EnhancementState.ROLLED_BACK}
IN_THE_GATE = {EnhancementState.CLEARED, EnhancementState.VALIDATING, EnhancementState.VALIDATED}


@dataclass(frozen=True)
class Stored:
    """All that is known about a wave. Health is that of its first and of its final commit, protection that of what landed."""

    wave: Wave
    target: Target
    changes: Sequence[Enhancement]
    verdicts: Sequence[TestRun]
    before: Sequence[Health]
    after: Sequence[Health]
    pull_requests: Sequence[PullRequest] = ()
    recall: Sequence[Recall] = ()
    protection: Sequence[Health] = ()


def make_report(stored: Stored) -> WaveReport:
    """Put together what was measured; what was not measured is None."""
    wave, target = stored.wave, stored.target
    landed = [each for each in stored.changes if each.state in ON_BRANCH]
    expired = [each for each in stored.changes if each.state is EnhancementState.EXPIRED]
    wall = (wave.finished_at - wave.created_at).total_seconds() if wave.finished_at else None
    baseline = _baseline(stored)
    return WaveReport(
        wave=wave.id,
        target=target.name,
        location=target.location,
        state=wave.state,
        size=wave.size,
        focus=wave.focus,
        dry_run=wave.dry_run,
        tasks=wave.tasks,
        commit=wave.commit,
        base_branch=target.base_branch,
        landing_branch=target.landing_branch,
        final_commit=wave.final_commit,
        landed=tuple(_landed(each, stored) for each in _in_order(landed)),
        refused=tuple(
            _not_landed(each) for each in stored.changes if each.state is EnhancementState.REJECTED
        ),
        waiting=tuple(
            waiting(each)
            for each in stored.changes
            if each.state is EnhancementState.NEEDS_APPROVAL
        ),
        expired=tuple(_not_landed(each) for each in expired if not wave.dry_run),
        not_tried=tuple(_not_landed(each) for each in expired if wave.dry_run),
        held=tuple(
            _held(each)
            for each in stored.changes
            if each.decision.returned and each.state in IN_THE_GATE
        ),
        pull_requests=tuple(_pull_request(each) for each in stored.pull_requests),
        health=_health(stored.before, stored.after, stored.protection),
        baseline=baseline,
        test_time=time_of_tests(stored.verdicts, baseline),
        protection=protection_share(each.decision.protection for each in stored.changes),
        benchmarks=benchmarks(stored.verdicts),
        recall=recall(stored.recall),
        runs=tuple(_run(each) for each in stored.verdicts if each.state is RunState.FINISHED),
        environment_seconds=wave.environment_seconds,
        wall_seconds=wall,
        cost=Cost(
            engines=tuple(sorted({str(each.proposal.author.engine) for each in stored.changes}))
        ),
        sandbox=wave.sandbox,
        notes=wave.notes,
        failure=wave.failure,
        commands=_commands(stored, landed),
    )


def _in_order(changes: Sequence[Enhancement]) -> list[Enhancement]:
    """By the time they left the gate; within a task as they stand on each other."""
    return sorted(
        changes,
        key=lambda each: (each.finished_at or each.changed_at, each.task_id, each.proposal.order),
    )


def _landed(change: Enhancement, stored: Stored) -> Landed:
    metric = change.proposal.prediction.metric if change.proposal.prediction else ""
    before = _metric(stored.before, change.proposal.component, metric)
    after = _metric(stored.after, change.proposal.component, metric)
    return Landed(
        id=change.id,
        title=change.proposal.title,
        component=change.proposal.component,
        rule=change.proposal.fix.rule,
        why=change.proposal.rationale,
        files=change.proposal.patch.files,
        lines_added=change.proposal.patch.lines_added,
        lines_removed=change.proposal.patch.lines_removed,
        commit=change.landing.commit or "",
        evidence=change.decision.evidence,
        prediction=change.proposal.prediction,
        measured=None if before is None or after is None else (before, after),
        rolled_back=change.landing.rollback.commit if change.landing.rollback else None,
    )


def _metric(health: Sequence[Health], component: str, metric: str) -> float | None:
    """A metric of a measured component; a rule that found nothing there is 0."""
    found = next((each for each in health if each.component == component), None)
    return None if found is None or not metric else found.metrics.get(metric, 0.0)


def _pull_request(request: PullRequest) -> PullRequestShown:
    return PullRequestShown(
        branch=request.branch,
        onto=request.base_branch,
        state=request.state,
        url=request.url,
        reason=request.reason,
    )


def _held(change: Enhancement) -> NotLanded:
    """It was sent back, and is not tried again yet."""
    why = "it was not part of what landed"
    if change.decision.suspected:
        why = f"with others it seems to break {named(change.decision.suspected)}, and not alone"
    known = _not_landed(change)
    return known.model_copy(update={"reason": why, "tests": change.decision.suspected})


def _not_landed(change: Enhancement) -> NotLanded:
    return NotLanded(
        id=change.id,
        title=change.proposal.title,
        component=change.proposal.component,
        rule=change.proposal.fix.rule,
        files=change.proposal.patch.files,
        state=change.state,
        reason=change.decision.reason,
        tests=change.decision.tests,
    )


def _health(
    before: Sequence[Health], after: Sequence[Health], landed: Sequence[Health]
) -> HealthChange:
    first = {each.component: each for each in before}
    last = {each.component: each for each in after}
    names = sorted({*first, *last, *(each.component for each in landed)})
    return HealthChange(
        score_before=_score(before),
        score_after=_score(after),
        findings_before=_findings(before),
        findings_after=_findings(after),
        components=tuple(_component(name, first, last, landed) for name in names),
        protection=protection(landed),
    )


def _component(
    name: str, first: Mapping[str, Health], last: Mapping[str, Health], landed: Sequence[Health]
) -> ComponentHealth:
    before, after = first.get(name), last.get(name)
    return ComponentHealth(
        component=name,
        score_before=before.score if before else None,
        score_after=after.score if after else None,
        findings_before=int(before.metrics["findings"]) if before else None,
        findings_after=int(after.metrics["findings"]) if after else None,
        protection=protection([each for each in landed if each.component == name]),
    )


def _score(health: Sequence[Health]) -> float | None:
    lines = sum(each.metrics["lines"] for each in health)
    if not lines:
        return None
    return round(sum(each.score * each.metrics["lines"] for each in health) / lines, 1)


def _findings(health: Sequence[Health]) -> int | None:
    return sum(int(each.metrics["findings"]) for each in health) if health else None


def _baseline(stored: Stored) -> Baseline | None:
    """The full run on the commit the wave began on, in whichever wave it was made."""
    for each in stored.verdicts:
        if (
            each.request.purpose == "baseline"
            and each.request.head == stored.wave.commit
            and each.result.counts
        ):
            return Baseline(
                tests=each.result.counts.tests,
                passed=each.result.counts.passed,
                skipped=each.result.counts.skipped,
                failing=each.result.failing,
                seconds=each.execution.seconds,
            )
    return None


def _run(verdict: TestRun) -> RunSummary:
    return RunSummary(
        id=verdict.id,
        purpose=verdict.request.purpose,
        changes=len(verdict.request.changes),
        tests=verdict.result.counts.tests if verdict.result.counts else 0,
        failing=verdict.result.counts.failed if verdict.result.counts else 0,
        seconds=verdict.execution.seconds,
        outcome=verdict.result.outcome,
        why=verdict.request.why,
        worse=None if verdict.result.worse is None else len(verdict.result.worse),
    )


def _commands(stored: Stored, landed: Sequence[Enhancement]) -> Commands:
    """What to type to look, merge, and undo; nothing where nothing landed."""
    there = _in_order([each for each in landed if each.state is EnhancementState.APPLIED])
    if not there:
        return Commands()
    target, wave = stored.target, stored.wave
    place, branch = shlex.quote(target.location), shlex.quote(target.landing_branch)
    if is_url(target.location):
        return Commands(
            look=(f"git fetch {place} {branch} && git log --stat {wave.commit[:10]}..FETCH_HEAD",),
            merge=(f"git pull {place} {branch}",),
            undo_one=(f"groundswell enhancement rollback {short(there[-1].id)}",),
            undo_all=(
                f"git push {place} --delete {branch}"
                if wave.landing_commit is None
                else f"git push --force {place} {wave.landing_commit}:refs/heads/{branch}",
            ),
        )
    git = f"git -C {place}"
    if target.direct:
        return Commands(
            look=(f"{git} log --stat {wave.commit[:10]}..{branch}",),
            undo_one=(f"groundswell enhancement rollback {short(there[-1].id)}",),
            undo_all=(f"groundswell wave rollback {short(wave.id)}",),
        )
    undo = (
        f"{git} branch -D {branch}"
        if wave.landing_commit is None
        else f"{git} branch -f {branch} {wave.landing_commit[:10]}"
    )
    return Commands(
        look=(
            f"{git} log --stat {wave.commit[:10]}..{branch}",
            f"{git} diff {wave.commit[:10]} {branch}",
        ),
        merge=(
            (f"{git} merge {branch}",)
            if not target.detached
            else (f"{git} merge {branch}  # on the branch you choose",)
        ),
        undo_one=(f"groundswell enhancement rollback {short(there[-1].id)}",),
        undo_all=(undo,),
    )
