"""Loads what is known of changes before they are tried: their risk, needs, and impacted tests."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace

from services.validator.decision.evidence import Candidate, SuiteProfile, profile_suite
from services.validator.decision.rates import posterior_risk
from services.validator.deps import ValidatorDeps
from services.validator.gate.budget import extra_seconds_left
from services.validator.gate.flakiness import known_flaky
from services.validator.gate.rounds import GateRound, compose
from services.validator.git.ports import TargetRepository
from services.validator.impact.usecases.impacted import impact_of
from services.validator.impact.usecases.recall import is_trusted
from services.validator.impact.usecases.recordings import is_recording_stale, latest_recording
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.states import EnhancementState

# A change that was held back breaks something on the next head more often than not.
RISK_OF_HELD_BACK = 0.9
# Changes are rated by those of the same kind.
KIND = ("proposal__author__agent_type", "proposal__fix__rule", "proposal__author__engine")
# Some were rolled back since.
LANDED = (EnhancementState.APPLIED, EnhancementState.ROLLED_BACK)
# Only a test that reads the source, or its line numbers, can tell a proven change.
MAX_RISK_OF_PROVEN = 0.01


async def load_risk_and_impact(gate_round: GateRound, deps: ValidatorDeps) -> None:
    """Load risk, impacted tests and flaky tests into the round's facts; called once per round."""
    if not gate_round.changes:
        return
    facts, prepared = gate_round.facts, gate_round.prepared
    await _load_risks(gate_round, deps)
    present: Collection[str] = ()
    if gate_round.baseline.done():
        present = (await gate_round.baseline).outcomes
    facts.recorded = await latest_recording(prepared, deps)
    facts.is_recording_stale = await is_recording_stale(facts.recorded, prepared)
    composition = await compose(gate_round, tuple(gate_round.changes), deps)
    changes = list(gate_round.changes.values())
    facts.impacted |= await impact_of(changes, composition.steps, prepared, deps, present)
    facts.flaky |= await known_flaky(gate_round.target.id, deps)
    for each in {change.proposal.component for change in changes}:
        if not await is_trusted(gate_round.target.id, each, deps):
            facts.misjudged.add(each)


async def load_candidates(gate_round: GateRound, deps: ValidatorDeps) -> list[Candidate]:
    """Return the round's changes as the gate decides about them, in their order."""
    facts = gate_round.facts
    if gate_round.evidence:
        await _load_needs(gate_round, deps)
    return [
        Candidate(
            id=each.id,
            order=position,
            risk=_risk(each, gate_round),
            needs=facts.needs.get(each.id, frozenset()) & gate_round.changes.keys(),
            impacted=_impacted(each, gate_round),
            rounds_waited=each.decision.returned,
        )
        for position, each in enumerate(gate_round.changes.values())
    ]


def _risk(change: Enhancement, gate_round: GateRound) -> float:
    """Return the probability that a change is bad, from its kind's history and what is known."""
    if change.decision.suspected:
        return RISK_OF_HELD_BACK
    risk = gate_round.facts.risks.get(change.id, 1 - change.proposal.fix.prior)
    return min(risk, MAX_RISK_OF_PROVEN) if change.id in gate_round.facts.proofs.by_change else risk


def _impacted(change: Enhancement, gate_round: GateRound) -> frozenset[str] | None:
    """Return the tests that reach a change; for one that was held back those it seems to break.

    None is unknown, as in a component whose choice of tests was often wrong.
    """
    if change.decision.suspected:
        return frozenset(change.decision.suspected)
    if change.proposal.component in gate_round.facts.misjudged:
        return None
    return gate_round.facts.impacted.get(change.id)


async def suite_profile(gate_round: GateRound, deps: ValidatorDeps) -> SuiteProfile:
    """Return what is known of the head's suite, which is little while the baseline still runs."""
    benchmarks = bool(gate_round.prepared.profile.config.bench.command)
    if not gate_round.baseline.done():
        return SuiteProfile(benchmarks=benchmarks)
    profile = profile_suite(gate_round.baseline.result())
    has_budget = await extra_seconds_left(gate_round, deps) > 0
    return replace(profile, flaky=gate_round.facts.flaky, benchmarks=benchmarks, budget=has_budget)


async def _load_risks(gate_round: GateRound, deps: ValidatorDeps) -> None:
    """Rate each change by the outcomes of changes of the same agent type, rule and engine."""
    rules = sorted({each.proposal.fix.rule for each in gate_round.changes.values()})
    counts = await deps.store.enhancements.count_by(
        (*KIND, "state"), proposal__fix__rule=rules, state=[EnhancementState.REJECTED, *LANDED]
    )
    for each in gate_round.changes.values():
        author, fix = each.proposal.author, each.proposal.fix
        kind = (author.agent_type, fix.rule, author.engine)
        rejected = counts.get((*kind, EnhancementState.REJECTED), 0)
        landed = sum(counts.get((*kind, state), 0) for state in LANDED)
        gate_round.facts.risks[each.id] = posterior_risk(fix.prior, rejected, landed)


async def _load_needs(gate_round: GateRound, deps: ValidatorDeps) -> None:
    """Find which changes each patch needs; only called once something has failed."""
    repository = deps.repository(gate_round.target)
    order = list(gate_round.changes.values())
    for position, each in enumerate(order):
        if each.id not in gate_round.facts.needs:
            files = {*each.proposal.files}
            before = [b.id for b in order[:position] if not files.isdisjoint(b.proposal.files)]
            gate_round.facts.needs[each.id] = await asyncio.to_thread(
                _find_needs, each.id, before, gate_round, repository
            )


def _find_needs(
    change: str, before: Sequence[str], gate_round: GateRound, repository: TargetRepository
) -> frozenset[str]:
    """Return the changes of `before` on which a patch applies, with what those need.

    These are none, or else the nearest one that is enough, or else all.
    """
    needs = gate_round.facts.needs

    def applies(on: frozenset[str]) -> bool:
        """Return true if the patch applies to the head with the changes `on`."""
        chosen = [each for each in gate_round.changes if each in on]
        patches = [(each, gate_round.patches[each]) for each in (*chosen, change)]
        return not repository.compose(gate_round.prepared.head, patches).failed

    if not before or applies(frozenset()):
        return frozenset()
    for each in reversed(before):
        enough = needs.get(each, frozenset()) | {each}
        if applies(enough):
            return enough
    return frozenset(before).union(*(needs.get(each, frozenset()) for each in before))
