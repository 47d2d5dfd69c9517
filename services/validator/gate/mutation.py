"""Decides when mutants of a round's changes are tried: before their full run, or beside it."""

from collections.abc import Sequence
from math import prod

from services.validator.decision.evidence import RequestedRun, RunPlan
from services.validator.deps import ValidatorDeps
from services.validator.gate.budget import extra_seconds_left
from services.validator.gate.evidence_fetcher import EvidenceFetcher
from services.validator.gate.rounds import GateRound, compose
from services.validator.gate.selections import SelectedFailure
from services.validator.impact.usecases.recordings import latest_recording
from services.validator.mutation.usecases.protection import (
    measure_protection,
    passed_without_mutants,
    read_mutation_passes,
)

# Before its full run, mutants are tried in a batch that passes it with at least this probability.
MIN_CHANCE_OF_PASSING = 0.5


def next_full_run(gate_round: GateRound, requested: Sequence[RequestedRun]) -> RunPlan | None:
    """Return the requested full run before which mutants were not considered yet, if any."""
    full = [each.plan for each in requested if each.plan.changes and not each.plan.tests]
    return full[0] if full and full[0] not in gate_round.mutation.considered else None


async def measure_before_full_run(
    gate_round: GateRound, full: RunPlan, deps: ValidatorDeps
) -> bool:
    """Measure the protection of changes before their full run; return true if all is known.

    Not if that run is likely to fail: a surviving mutant says little beside a failing test, and
    nobody should be asked about a change that the tests reject.
    """
    if changes_without_mutants(gate_round, full.changes):
        if not is_likely_to_pass(gate_round, full):
            return False
        await _measure_for(gate_round, full, deps)
    return not changes_without_mutants(gate_round, full.changes)


def measure_beside_full_run(
    gate_round: GateRound,
    full: RunPlan,
    requested: Sequence[RequestedRun],
    fetcher: EvidenceFetcher,
    deps: ValidatorDeps,
) -> bool:
    """Start measuring the protection of changes on a free runner; return true if all is known.

    It goes before all but one of the `requested` runs if it may change which changes are in them.
    It need not wait until they are likely to pass, as it delays no run; and if tests fail without
    mutants, only good results are used.
    """
    if not changes_without_mutants(gate_round, full.changes):
        return True
    may_ask = gate_round.prepared.profile.config.policy.unprotected != "allow"
    if gate_round.baseline.done() and (may_ask or len(requested) < fetcher.max_runs):
        fetcher.start_background(lambda: _measure_for(gate_round, full, deps))
    return False


def changes_without_mutants(gate_round: GateRound, ids: Sequence[str]) -> set[str]:
    """Return the changes whose protection matters and was not measured yet.

    It does not matter for a change that is approved, or proven to leave the program as it is.
    """
    known = gate_round.mutation.protections.keys() | gate_round.facts.proofs.by_change.keys()
    return {each for each in ids if each not in known and not gate_round.is_approved(each)}


async def measure_changes(gate_round: GateRound, ids: Sequence[str], deps: ValidatorDeps) -> None:
    """Add missing protection of these changes to the round, and tests that fail without others."""
    missing = changes_without_mutants(gate_round, ids)
    if not missing:
        return
    facts, baseline = gate_round.facts, await gate_round.baseline
    composition = await compose(gate_round, ids, deps)
    if composition.failed:
        # A run of these changes shows the same, and the gate decides what follows.
        return
    if facts.recorded is None:
        # With several runners the head was still being recorded when risk and impact were loaded.
        facts.recorded = await latest_recording(gate_round.prepared, deps)
    tree = composition.steps[-1][1]
    found = await measure_protection(
        deps,
        gate_round.prepared,
        [gate_round.changes[each] for each in ids],
        dict(composition.steps),
        wave_id=gate_round.wave_id,
        recorded=facts.recorded,
        present=baseline.outcomes,
        full_run_seconds=baseline.seconds,
        seconds_left=await extra_seconds_left(gate_round, deps, tree),
        wanted=missing,
    )
    gate_round.mutation.protections |= found
    for each in await read_mutation_passes(found.values(), deps):
        if failing := each.failing(baseline.outcomes):
            failure = SelectedFailure(tuple(ids), tuple(sorted(failing)), each.tests)
            gate_round.mutation.selections.failures.append(failure)


async def _measure_for(gate_round: GateRound, full: RunPlan, deps: ValidatorDeps) -> None:
    """Measure the protection of a full run's changes, before that run or beside it.

    Unless all tests passed without mutants, drop the new results that are not good, and note that
    mutants were considered, so that they are not tried again before this run.
    """
    missing = changes_without_mutants(gate_round, full.changes)
    await measure_changes(gate_round, full.changes, deps)
    protections = gate_round.mutation.protections
    found = {each: protections[each] for each in missing if each in protections}
    outcomes = (await gate_round.baseline).outcomes
    passes = await read_mutation_passes(found.values(), deps)
    if found and passed_without_mutants(found.values(), passes, outcomes):
        return
    gate_round.mutation.considered.add(full)
    dropped = [each for each, known in found.items() if known.state in {"unprotected", "unknown"}]
    for each in dropped:
        protections.pop(each, None)
    await deps.store.enhancements.set_field_of_each("decision__protection", dict.fromkeys(dropped))


def is_likely_to_pass(gate_round: GateRound, full: RunPlan) -> bool:
    """Return true once any run was made, as failures are explained then, or if risk is small."""
    if gate_round.evidence:
        return True
    risks = gate_round.facts.risks
    return prod(1 - risks.get(each, 0.5) for each in full.changes) >= MIN_CHANCE_OF_PASSING
