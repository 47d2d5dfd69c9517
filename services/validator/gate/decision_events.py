"""Publishes the gate's decisions as `gs.evt.gate.decided`.

Each is published before it is carried out, under an id that follows from what was decided: after a
crash the same decision is published again and stored once.
"""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from services.validator.decision.evidence import (
    BENCHMARK_PREFIX,
    Land,
    NoReport,
    Reject,
    RequestedRun,
    RunComparison,
    RunEvidence,
    RunPlan,
    Undecided,
)
from services.validator.decision.run_summary import summarize_run
from services.validator.deps import ValidatorDeps
from services.validator.gate.rounds import GateRound
from services.validator.runs.domain.adjustments import command_error
from services.validator.runs.usecases.reports import read_report
from services.validator.suite.domain.reports import COMMAND_RESULT_ID
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.runs import TestRun
from shared.contracts.documents.workflows import WorkflowCheck
from shared.contracts.events import GateDecided

# An event names so many changes and so many tests at most.
MAX_LISTED = 20


async def publish_run(
    gate_round: GateRound, requested: RequestedRun, found: RunEvidence, deps: ValidatorDeps
) -> None:
    """Publish what a run showed, or why it could not be made."""
    plan, run = requested.plan, gate_round.runs.get(requested.plan)
    count = run.result.counts.tests if run and run.result.counts else len(plan.tests)
    worse = sorted(found.worse) if isinstance(found, RunComparison) else ()
    await _publish(
        gate_round,
        "run",
        plan.changes,
        deps,
        purpose=requested.purpose,
        tests_run=count,
        tests_worse=len(worse) if isinstance(found, RunComparison) else None,
        tests=worse,
        run_id=run.id if run else None,
        plan=[plan.tests, plan.repetition, plan.repeat],
        note=f"{summarize_run(requested, found, count)}{_title(gate_round, plan)}",
    )


def _title(gate_round: GateRound, plan: RunPlan) -> str:
    """Return the title of the change in brackets if the run has only one; else empty."""
    change = gate_round.changes.get(plan.changes[0]) if len(plan.changes) == 1 else None
    return f" ({change.proposal.title})" if change else ""


async def publish_dismissal(
    gate_round: GateRound, step: Reject | Undecided, change: Enhancement, deps: ValidatorDeps
) -> None:
    """Publish that a change is rejected, or that nothing is known about it."""
    is_rejected = isinstance(step, Reject)
    run = gate_round.runs.get(step.plan) if isinstance(step, Reject) else None
    await _publish(
        gate_round,
        "refuse" if is_rejected else "undecided",
        (change.id,),
        deps,
        tests=step.tests if isinstance(step, Reject) else (),
        run_id=run.id if run else None,
        note=f"{change.proposal.title}: {step.reason}",
    )


async def publish_landing(gate_round: GateRound, step: Land, deps: ValidatorDeps) -> None:
    """Publish that changes may land, with the result of their full run."""
    run = gate_round.runs[step.plan]
    tests = run.result.counts.tests if run.result.counts else 0
    count, found = len(step.changes), gate_round.evidence.get(step.plan)
    worse = len(found.worse) if isinstance(found, RunComparison) else 0
    result = f"{worse} that failed do so now and then" if worse else "none is worse"
    benchmarks = RunPlan(step.changes, (BENCHMARK_PREFIX,))
    if isinstance(gate_round.evidence.get(benchmarks), NoReport):
        result += "; the benchmarks were not measured, as they give no report on the head either"
    if run.changed_tests:
        result += f"; {run.changed_tests}"
    await _publish(
        gate_round,
        "land",
        step.changes,
        deps,
        tests_run=tests,
        run_id=run.id,
        note=f"{count} change{'s' * (count > 1)} may land: {tests} tests ran with "
        f"{'them' if count > 1 else 'it'}, {result}",
        tests_worse=worse,
    )


async def publish_held_back(
    gate_round: GateRound,
    changes: Sequence[Enhancement],
    suspected: Mapping[str, Sequence[str]],
    deps: ValidatorDeps,
) -> None:
    """Publish that changes are judged again on the next head, with the tests they seem to break."""
    for each in changes:
        tests = tuple(suspected.get(each.id, ()))
        why = "it was not part of what landed"
        if tests:
            more = f" and {len(tests) - 1} more" if len(tests) > 1 else ""
            why = f"with the others it seems to break {tests[0]}{more}"
        note = f"{each.proposal.title}: {why}; judged again on the next head"
        await _publish(gate_round, "hold", (each.id,), deps, tests=tests, note=note)


async def publish_approvals_needed(
    gate_round: GateRound, changes: Sequence[Enhancement], deps: ValidatorDeps
) -> None:
    """Publish that changes need approval before they can land, if there are any."""
    if changes:
        ids = [each.id for each in changes]
        need = "1 change needs" if len(changes) == 1 else f"{len(changes)} changes need"
        await _publish(gate_round, "ask", ids, deps, note=f"{need} approval before landing")


async def publish_proofs(
    gate_round: GateRound, changes: Sequence[str], deps: ValidatorDeps
) -> None:
    """Publish which changes, if any, leave the program as it is, and so need no mutants."""
    if changes:
        interpreters = " and ".join(gate_round.facts.proofs.interpreters)
        leave = "1 change leaves" if len(changes) == 1 else f"{len(changes)} changes leave"
        note = f"{leave} the compiled program as it is under {interpreters}: proven, no mutants"
        await _publish(gate_round, "prove", changes, deps, note=note)


async def publish_workflow_checks(
    gate_round: GateRound, checks: Mapping[str, WorkflowCheck], deps: ValidatorDeps
) -> None:
    """Publish what n8n showed of each change of workflows."""
    for change, check in checks.items():
        note = f"{gate_round.changes[change].proposal.title}: {check.evidence}"
        await _publish(gate_round, "workflow", (change,), deps, note=note, plan=[check.content])


def evidence_of_full_run(run: TestRun) -> tuple[str, ...]:
    """Return what a person should know of each change of a full run that passed."""
    tests = run.result.counts.tests if run.result.counts else 0
    others = len(run.request.changes) - 1
    company = f" and {others} other change{'s' * (others > 1)}" if others else ""
    return (f"{tests} tests ran with it{company}, none is worse (run {run.id})",)


def evidence_before_full_run(gate_round: GateRound, change: Enhancement) -> tuple[str, ...]:
    """Return what a person should know of a change whose full run follows its approval."""
    proof = gate_round.facts.proofs.by_change.get(change.id)
    proven = (proof.summary,) if proof else ()
    return (*proven, f"{_known(gate_round, change)}; the full run follows when you approve")


def _known(gate_round: GateRound, change: Enhancement) -> str:
    """Return in words how the tests that reach a change did in the runs with it so far."""
    impacted = gate_round.facts.impacted.get(change.id)
    if impacted is not None and not impacted:
        return "no test reaches it"
    runs = {
        plan: found.worse
        for plan, found in gate_round.evidence.items()
        if change.id in plan.changes and isinstance(found, RunComparison)
    }
    passed = frozenset[str]().union(*(_passed(*each, impacted or ()) for each in runs.items()))
    if impacted and impacted <= passed:
        return "passes the tests that reach it"
    if any(not worse for worse in runs.values()):
        return "passes those tests that ran with it"
    return "it was tried only with what failed" if runs else "no test was run with it yet"


def _passed(plan: RunPlan, worse: frozenset[str], among: Collection[str]) -> frozenset[str]:
    """Return those tests of `among` that ran and passed; `plan` and `worse` are a run's."""
    ran = frozenset(among) & frozenset(plan.tests) if plan.tests else frozenset(among)
    return ran - worse


async def _publish(
    gate_round: GateRound,
    step: str,
    changes: Sequence[str],
    deps: ValidatorDeps,
    *,
    tests: Sequence[str] = (),
    plan: Sequence[Any] = (),
    **fields: Any,
) -> None:
    """Publish a decision about changes under an id that follows from what was decided.

    `plan` tells apart runs of the same changes; lists in the event are shortened.
    """
    event = GateDecided(
        wave_id=gate_round.wave_id,
        target_id=gate_round.target.id,
        head=gate_round.prepared.head,
        step=step,
        change_count=len(changes),
        changes=tuple(changes)[:MAX_LISTED],
        tests=tuple(tests)[:MAX_LISTED],
        **fields,
    )
    decided = [gate_round.wave_id, step, list(changes), list(tests), fields.get("run_id"), *plan]
    digest = hashlib.sha256(json.dumps(decided).encode()).hexdigest()
    key = f"{gate_round.prepared.head}:{digest[:32]}"
    await deps.bus.publish(event, key=key, wave=gate_round.wave_id)


async def command_failure(step: Reject, run: TestRun | None, deps: ValidatorDeps) -> str:
    """Return what the suite printed where it failed as a whole; empty where tests failed."""
    if run is None or run.result.report is None or COMMAND_RESULT_ID not in step.tests:
        return ""
    failed = (await read_report(run, deps)).results.get(COMMAND_RESULT_ID)
    if failed is None or not failed.detail:
        return ""
    return f"; the test command as a whole fails: {command_error(failed.detail)}"
