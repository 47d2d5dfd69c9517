"""The report of a wave, from what is stored about it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from services.api.domain.agents import summarize_agents
from services.api.domain.comparable import comparable
from services.api.domain.dimensions import compare_dimensions
from services.api.domain.effects import measured_effect
from services.api.domain.measures import (
    compare_health,
    find_baseline,
    last_benchmarks,
    sum_coordination,
    sum_protection,
    sum_recall,
    sum_test_time,
)
from services.api.domain.next_commands import commands_after
from services.api.domain.suite_health import compare_suite
from services.api.domain.summaries import (
    summarize_overlap,
    summarize_pull_request,
    summarize_run,
)
from services.api.domain.text import first_of
from shared.agent_types.health import HealthDimension
from shared.contracts.documents.advice import Advice
from shared.contracts.documents.agents import Agent
from shared.contracts.documents.conflicts import ConflictResolution
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.findings import Health
from shared.contracts.documents.protection import protection_share
from shared.contracts.documents.review import PullRequest
from shared.contracts.documents.runs import Recall, TestRun
from shared.contracts.documents.targets import Target
from shared.contracts.documents.waves import Task, Wave
from shared.contracts.documents.workflows import WorkflowRelease
from shared.contracts.health import HealthChange
from shared.contracts.report import (
    AdvisoryChange,
    ChangeNeedingApproval,
    ChangeNotLanded,
    LandedChange,
    ModelCost,
    NextCommands,
    WaveReport,
)
from shared.contracts.states import EnhancementState, RunState

ON_BRANCH = frozenset({EnhancementState.APPLIED, EnhancementState.ROLLED_BACK})
IN_THE_GATE = frozenset(
    {EnhancementState.CLEARED, EnhancementState.VALIDATING, EnhancementState.VALIDATED}
)


@dataclass(frozen=True)
class WaveRecords:
    """Everything that is stored about a wave.

    `health_before` and `health_after` are that of its first and its final commit, `protection` that
    of the commits that landed; `target_is_remote` says that the target is a url. `dimensions` are
    those that agent types declare.

    One field per kind of document.
    """

    wave: Wave
    target: Target
    changes: Sequence[Enhancement]
    runs: Sequence[TestRun]
    health_before: Sequence[Health]
    health_after: Sequence[Health]
    agents: Sequence[Agent] = ()
    tasks: Sequence[Task] = ()
    pull_requests: Sequence[PullRequest] = ()
    recall: Sequence[Recall] = ()
    protection: Sequence[Health] = ()
    conflicts: Sequence[ConflictResolution] = ()
    releases: Sequence[WorkflowRelease] = ()
    target_is_remote: bool = False
    dimensions: Mapping[str, HealthDimension] = field(default_factory=dict)

    def changes_in(self, *states: EnhancementState) -> list[Enhancement]:
        """Return the changes that are in one of these states."""
        return [each for each in self.changes if each.state in states]


def make_report(records: WaveRecords) -> WaveReport:
    """Return the report of a wave; what was not measured is None.

    What expired in a dry run is listed as not tried.
    """
    wave, target = records.wave, records.target
    baseline = find_baseline(records.runs, wave.commit)
    expired = [_not_landed(each) for each in records.changes_in(EnhancementState.EXPIRED)]
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
        landed=tuple(_landed(each, records) for each in _landing_order(records)),
        rejected=tuple(_not_landed(each) for each in records.changes_in(EnhancementState.REJECTED)),
        needs_approval=tuple(
            needing_approval(each) for each in records.changes_in(EnhancementState.NEEDS_APPROVAL)
        ),
        expired=() if wave.dry_run else tuple(expired),
        not_tried=tuple(expired) if wave.dry_run else (),
        advisory=tuple(_advice(each) for each in records.changes_in(EnhancementState.ADVISORY)),
        returned=tuple(
            _returned(each) for each in records.changes_in(*IN_THE_GATE) if each.decision.returned
        ),
        agents=summarize_agents(records.agents, records.tasks, records.changes),
        pull_requests=tuple(summarize_pull_request(each) for each in records.pull_requests),
        health=_health(records),
        baseline=baseline,
        test_time=sum_test_time(records.runs, baseline),
        proven=sum(each.decision.proof is not None for each in records.changes),
        protection=protection_share(each.decision.protection for each in records.changes),
        benchmarks=last_benchmarks(records.runs),
        recall=sum_recall(records.recall),
        conflicts=tuple(summarize_overlap(each) for each in records.conflicts),
        coordination=sum_coordination(records.conflicts),
        runs=tuple(summarize_run(each) for each in records.runs if each.state is RunState.FINISHED),
        environment_seconds=wave.environment_seconds,
        wall_seconds=_wall_seconds(wave),
        cost=ModelCost(engines=_engines(records.changes)),
        sandbox=wave.sandbox,
        notes=wave.notes,
        failure=wave.failure,
        commands=_commands(records),
    )


def _health(records: WaveRecords) -> HealthChange:
    """Return health before and after: by component, by what agents measure, and of the suite."""
    wave, before, after = records.wave, records.health_before, records.health_after
    suite = compare_suite(
        records.runs,
        wave.commit,
        records.changes_in(*ON_BRANCH),
        wave.final_commit,
        sum_protection(records.protection),
    )
    found = compare_dimensions(records.dimensions, before, after)
    return compare_health(*comparable(before, after), records.protection, (*found, suite))


def _wall_seconds(wave: Wave) -> float | None:
    """Return the seconds from the start of a wave to its end; None if it goes on."""
    return (wave.finished_at - wave.created_at).total_seconds() if wave.finished_at else None


def _engines(changes: Iterable[Enhancement]) -> tuple[str, ...]:
    """Return the names of the engines that made these changes, each once."""
    return tuple(sorted({str(each.proposal.author.engine) for each in changes}))


def _landing_order(records: WaveRecords) -> list[Enhancement]:
    """Return what landed, even if rolled back since: by time, and by order within a task."""
    return sorted(
        records.changes_in(*ON_BRANCH),
        key=lambda each: (each.finished_at or each.changed_at, each.task_id, each.proposal.order),
    )


def _landed(change: Enhancement, records: WaveRecords) -> LandedChange:
    """Return what the report says about a landed change, with its predicted metric as measured."""
    proposal, landing = change.proposal, change.landing
    return LandedChange(
        id=change.id,
        title=proposal.title,
        component=proposal.component,
        rule=proposal.fix.rule,
        why=proposal.rationale,
        files=proposal.files,
        lines_added=proposal.required_patch.lines_added,
        lines_removed=proposal.required_patch.lines_removed,
        commit=landing.commit or "",
        evidence=change.decision.evidence,
        prediction=proposal.prediction,
        measured=measured_effect(change, records.health_before, records.health_after),
        rolled_back=landing.rollback.commit if landing.rollback else None,
        behaviour=_behaviour(change),
        may_change=_may_change_behaviour(change),
        gain=change.decision.gain,
        outline=proposal.outline,
        releases=tuple(e.words for e in records.releases if e.enhancement_id == change.id),
    )


def _behaviour(change: Enhancement) -> str:
    """Return a text for the report on whether a change alters what the program does.

    That is its proof if it has one. Otherwise it is what the gate's check of the edits showed, with
    the person who approved the change if it may alter anything. It is empty if nothing was checked.
    """
    decision = change.decision
    if decision.proof is not None:
        return decision.proof.summary
    found = decision.behaviour.summary if decision.behaviour else ""
    if _may_change_behaviour(change) and decision.approval is not None:
        return f"{found}; approved by {decision.approval.by or 'a person'}"
    return found


def _may_change_behaviour(change: Enhancement) -> bool:
    """Return whether a check found that a change may alter behaviour, and it is not proven."""
    behaviour, proof = change.decision.behaviour, change.decision.proof
    return proof is None and behaviour is not None and not behaviour.keeps_behaviour


def _not_landed(change: Enhancement) -> ChangeNotLanded:
    """Return what the report says about a change that did not land, with the reason."""
    return ChangeNotLanded(
        id=change.id,
        title=change.proposal.title,
        component=change.proposal.component,
        rule=change.proposal.fix.rule,
        files=change.proposal.files,
        state=change.state,
        reason=change.decision.reason,
        tests=change.decision.tests,
    )


def _advice(change: Enhancement) -> AdvisoryChange:
    """Return what the report says about advice; all of its text is the plan if it has no parts."""
    known = change.proposal.advice or Advice(plan=change.proposal.rationale)
    return AdvisoryChange(**dict(_not_landed(change)), **dict(known))


def _returned(change: Enhancement) -> ChangeNotLanded:
    """Describe a change that was sent back to be judged on another head."""
    suspected = change.decision.suspected
    why = "it was not part of what landed"
    if suspected:
        why = f"it seems to break {first_of(suspected)}, but only together with other changes"
    return _not_landed(change).model_copy(update={"reason": why, "tests": suspected})


def needing_approval(change: Enhancement) -> ChangeNeedingApproval:
    """Describe why a change needs approval: the kind of reason, and the first detail of its own.

    For an unprotected change that detail is its first surviving mutant.
    """
    decision = change.decision
    group, _, because = decision.approval_reason.partition(": ")
    survived = decision.protection.survived if decision.protection else ()
    more = 0
    if survived and decision.protection and because == decision.protection.summary:
        first, more = survived[0], len(survived) - 1
        reach = "" if first.reached else ", which no test reaches"
        because = f"{first.path}:{first.line}{reach}: {first.description}"
    return ChangeNeedingApproval(
        id=change.id,
        title=change.proposal.title,
        component=change.proposal.component,
        files=change.proposal.files,
        asks=decision.approval_reason,
        evidence=decision.evidence,
        group=group,
        because=because,
        more=more,
        full_run=decision.run is not None,
        outline=change.proposal.outline,
    )


def _commands(records: WaveRecords) -> NextCommands:
    """Return the commands to offer; none if nothing that the wave landed is still landed."""
    landed = [each for each in _landing_order(records) if each.state is EnhancementState.APPLIED]
    if not landed:
        return NextCommands()
    remote = records.target_is_remote
    return commands_after(records.wave, records.target, landed[-1].id, remote=remote)
