"""Asks for a person's approval of a round's changes, before their full run or after it."""

import asyncio
from collections.abc import Mapping, Sequence

from services.validator.approval.domain import (
    EditedFile,
    behaviour_reason,
    edits_without_effect,
)
from services.validator.approval.usecases import (
    edited_files,
    judge_behaviours,
    may_change_more,
    request_approvals,
)
from services.validator.decision.evidence import (
    RequestedRun,
    RunComparison,
    RunPlan,
    SuiteProfile,
)
from services.validator.deps import ValidatorDeps
from services.validator.gate.decision_events import (
    evidence_before_full_run,
    evidence_of_full_run,
    publish_approvals_needed,
)
from services.validator.gate.evidence_fetcher import EvidenceFetcher
from services.validator.gate.mutation import (
    is_likely_to_pass,
    measure_before_full_run,
    measure_beside_full_run,
    next_full_run,
)
from services.validator.gate.proofs import prove
from services.validator.gate.risk_and_impact import suite_profile
from services.validator.gate.rounds import GateRound, compose
from services.validator.landing import usecases as landing
from shared.contracts.base import RunPurpose
from shared.contracts.documents.behaviour import BehaviourEvidence
from shared.contracts.documents.enhancements import Enhancement

# The tests that reach changes are run before a person is asked about them, where that takes no
# more than this share of a full run, or than so many seconds.
MAX_COST_SHARE_BEFORE_ASKING = 0.5
MAX_SECONDS_BEFORE_ASKING = 10.0


async def ask_before_full_run(
    gate_round: GateRound,
    requested: Sequence[RequestedRun],
    fetcher: EvidenceFetcher,
    deps: ValidatorDeps,
) -> bool:
    """Ask for approval of changes before their full run, which is then made without them.

    Returns true if any change left the round, or another run was made first; else the caller has
    the requested runs made.
    """
    full = next_full_run(gate_round, requested)
    if full is None:
        return False
    await prove(gate_round, full.changes, deps)
    acted = await _ask_about_behaviour(gate_round, full, fetcher, deps)
    if acted is not None:
        return acted
    if fetcher.max_runs > 1:
        is_known = measure_beside_full_run(gate_round, full, requested, fetcher, deps)
    else:
        # A runner may have left since this was started in the background.
        await fetcher.wait_for_background()
        is_known = await measure_before_full_run(gate_round, full, deps)
    if not is_known:
        return False
    gate_round.mutation.considered.add(full)
    changes = without_suspects(gate_round, full)
    return bool(await ask_for_approval(gate_round, changes, fetcher, deps))


async def ask_for_approval(
    gate_round: GateRound,
    changes: Sequence[Enhancement],
    fetcher: EvidenceFetcher,
    deps: ValidatorDeps,
    batch: landing.Batch | None = None,
) -> list[Enhancement]:
    """Ask for approval of those changes that need it; remove them from the round, and return them.

    `batch` is given if the changes have passed their full run.
    """
    edits, behaviours = await _edits_and_behaviours(gate_round, changes, deps)

    def evidence(change: Enhancement) -> tuple[str, ...]:
        """Return what a person should know of a change, with or without its full run."""
        edited = edits_without_effect(change, gate_round.prepared.profile.config)
        facts = gate_round.facts
        known = (facts.gains.get(change.id), facts.workflows.get(change.id))
        more = (*edited, *(each.evidence for each in known if each is not None))
        if batch:
            return (*evidence_of_full_run(batch.run), *more)
        return (*evidence_before_full_run(gate_round, change), *more)

    asked = await request_approvals(
        changes,
        gate_round.prepared,
        gate_round.base_commit,
        evidence,
        deps,
        proofs=gate_round.facts.proofs.by_change,
        behaviours=behaviours,
        protections=gate_round.mutation.protections,
        edits=edits,
        gains=gate_round.facts.gains,
        workflows=gate_round.facts.workflows,
        run=batch.run.id if batch else None,
    )
    await publish_approvals_needed(gate_round, asked, deps)
    for each in asked:
        # What lands has to pass its full run without them.
        gate_round.remove(each.id)
    await fetcher.cancel_runs_with(each.id for each in asked)
    return asked


async def _edits_and_behaviours(
    gate_round: GateRound, changes: Sequence[Enhancement], deps: ValidatorDeps
) -> tuple[Mapping[str, Sequence[EditedFile]], Mapping[str, BehaviourEvidence]]:
    """Return each change's edits, on those before it, and the stored behaviour of unproven ones.

    Also of those with a proof whose rule may change more than the program.
    """
    composition = await compose(gate_round, [each.id for each in changes], deps)
    prepared, present = gate_round.prepared, (await gate_round.baseline).outcomes
    edits = await asyncio.to_thread(edited_files, changes, composition.steps, prepared, present)
    proven = gate_round.facts.proofs.by_change
    unproven = [each for each in changes if each.id not in proven or may_change_more(each)]
    known = gate_round.facts.behaviours
    return edits, await judge_behaviours(unproven, prepared, edits, known, deps)


async def _ask_about_behaviour(
    gate_round: GateRound, full: RunPlan, fetcher: EvidenceFetcher, deps: ValidatorDeps
) -> bool | None:
    """Ask for approval before mutants are tried, if a change that needs it may change behaviour.

    Not if the full run is likely to fail: nobody should be asked about a change that the tests
    reject. For the same reason the tests that reach them come first, or the full run itself where
    these are not known and it is short. Returns true if any change left the round or a run was
    made, false if the full run is to be made now, and None if mutants come first.
    """
    ready = gate_round.baseline.done() and is_likely_to_pass(gate_round, full)
    if not ready:
        return None
    changes = without_suspects(gate_round, full)
    _, behaviours = await _edits_and_behaviours(gate_round, changes, deps)
    asking = [
        each
        for each in changes
        if behaviour_reason(behaviours.get(each.id)) and not gate_round.is_approved(each.id)
    ]
    if not asking:
        return None
    suite = await suite_profile(gate_round, deps)
    if _is_full_run_first(gate_round, asking, suite):
        return False
    if run := _run_before_asking(gate_round, full, asking, suite):
        await fetcher.fetch([run])
        return True
    return bool(await ask_for_approval(gate_round, changes, fetcher, deps))


def without_suspects(gate_round: GateRound, full: RunPlan) -> list[Enhancement]:
    """Return the changes of a full run without those that were tried only with what failed.

    A full run may be made ahead, while the culprit is looked for. Nobody should be asked about
    that one: the tests reject it.
    """
    tried, cleared = _tried(gate_round), _tried(gate_round, passed=True)
    return [
        gate_round.changes[each] for each in full.changes if each not in tried or each in cleared
    ]


def _is_full_run_first(
    gate_round: GateRound, asking: Sequence[Enhancement], suite: SuiteProfile
) -> bool:
    """Return true if not all were tried, what reaches one is unknown, and the suite is short."""
    unknown = any(gate_round.facts.impacted.get(each.id) is None for each in asking)
    tried = _tried(gate_round) >= {each.id for each in asking}
    return unknown and not tried and _seconds(suite) <= MAX_SECONDS_BEFORE_ASKING


def _seconds(suite: SuiteProfile) -> float:
    """Return the duration of a run of all tests, in seconds."""
    return suite.startup + sum(suite.durations.values())


def _tried(gate_round: GateRound, *, passed: bool = False) -> set[str]:
    """Return the changes that were part of any run with a report, or of one that `passed`."""
    return {
        change
        for plan, found in gate_round.evidence.items()
        if isinstance(found, RunComparison) and not (passed and found.worse)
        for change in plan.changes
    }


def _run_before_asking(
    gate_round: GateRound, full: RunPlan, asking: Sequence[Enhancement], suite: SuiteProfile
) -> RequestedRun | None:
    """Return a run of the tests that reach these changes; None if tried, unknown or expensive."""
    impacted = [gate_round.facts.impacted.get(each.id) for each in asking]
    tests = frozenset[str]().union(*(each for each in impacted if each))
    plan = RunPlan(full.changes, tuple(sorted(tests)))
    tried = _tried(gate_round) >= {each.id for each in asking}
    if not tests or plan in gate_round.evidence or tried:
        return None
    share = suite.cost_share(tests)
    if share > MAX_COST_SHARE_BEFORE_ASKING and share * _seconds(suite) > MAX_SECONDS_BEFORE_ASKING:
        return None
    why = f"the {len(tests)} tests that reach {len(asking)} changes, before a person is asked"
    return RequestedRun(plan, RunPurpose.QUICK_GATE, why)
