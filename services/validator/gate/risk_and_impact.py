"""What the gate knows of its changes before it tries them: risks, what they stand on, which tests reach them."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import replace

from services.validator.decision.evidence import Candidate, Knowledge, known_from
from services.validator.decision.rates import risk_of
from services.validator.deps import ValidatorDeps
from services.validator.gate.flakiness import known_flaky
from services.validator.gate.rounds import Epoch, compose
from services.validator.git.ports import Repository
from services.validator.impact.usecases import impact_of, recorded_anew, recorded_for, trusted
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.states import EnhancementState

# One that was held back breaks something on the next head more often than not.
HELD = 0.9


async def weigh(epoch: Epoch, deps: ValidatorDeps) -> None:
    """Find out what is known of the changes, once per epoch."""
    if not epoch.changes:
        return
    await _rate(epoch, deps)
    present: Collection[str] = ()
    if epoch.base.done():
        present = (await epoch.base).outcomes
        epoch.recorded = await recorded_anew(epoch.place, epoch.wave_id, deps)
    else:
        epoch.recorded = await recorded_for(epoch.place, deps)
    composition = await compose(epoch, tuple(epoch.changes), deps)
    changes = list(epoch.changes.values())
    chosen = await impact_of(changes, composition.steps, epoch.place, deps, present)
    epoch.impacted |= chosen
    epoch.flaky |= await known_flaky(epoch.target.id, deps)
    for each in {change.proposal.component for change in changes}:
        if not await trusted(epoch.target.id, each, deps):
            epoch.misjudged.add(each)


async def candidates(epoch: Epoch, deps: ValidatorDeps) -> list[Candidate]:
    """The changes as the gate decides about them, in their order."""
    if epoch.evidence:
        await _find_needs(epoch, deps)
    return [
        Candidate(
            id=each.id,
            order=place,
            risk=HELD
            if each.decision.suspected
            else epoch.risks.get(each.id, 1 - each.proposal.fix.prior),
            needs=epoch.needs.get(each.id, frozenset()) & epoch.changes.keys(),
            impacted=_reach(each, epoch),
            waited=each.decision.returned,
        )
        for place, each in enumerate(epoch.changes.values())
    ]


def _reach(change: Enhancement, epoch: Epoch) -> frozenset[str] | None:
    """The tests that reach it; what it is suspected to break where it was held back, and nothing known where that was often wrong."""
    if change.decision.suspected:
        return frozenset(change.decision.suspected)
    return None if change.proposal.component in epoch.misjudged else epoch.impacted.get(change.id)


def knowledge(epoch: Epoch) -> Knowledge:
    """What is known of the head's suite; nothing yet while it still runs."""
    benchmarks = bool(epoch.place.profile.config.bench.command)
    if not epoch.base.done():
        return Knowledge(benchmarks=benchmarks)
    return replace(known_from(epoch.base.result()), flaky=epoch.flaky, benchmarks=benchmarks)


async def _rate(epoch: Epoch, deps: ValidatorDeps) -> None:
    """What became of changes of the same agent type, rule and engine says how risky one is."""
    known: dict[tuple[str, ...], tuple[int, int]] = {}
    for each in epoch.changes.values():
        kind = (
            each.proposal.author.agent_type,
            each.proposal.fix.rule,
            each.proposal.author.engine,
        )
        if kind not in known:
            known[kind] = await _history(each, deps)
        rejected, landed = known[kind]
        epoch.risks[each.id] = risk_of(each.proposal.fix.prior, rejected, landed)


async def _history(change: Enhancement, deps: ValidatorDeps) -> tuple[int, int]:
    like = {
        "proposal__author__agent_type": change.proposal.author.agent_type,
        "proposal__fix__rule": change.proposal.fix.rule,
        "proposal__author__engine": change.proposal.author.engine,
    }
    count = deps.store.enhancements.count
    rejected = await count(**like, state=EnhancementState.REJECTED)
    landed = await count(**like, state=[EnhancementState.APPLIED, EnhancementState.ROLLED_BACK])
    return rejected, landed


async def _find_needs(epoch: Epoch, deps: ValidatorDeps) -> None:
    """Which changes each patch stands on; asked only once something has failed."""
    repository = deps.repository(epoch.target)
    order = list(epoch.changes.values())
    for place, each in enumerate(order):
        if each.id not in epoch.needs:
            before = [
                b
                for b in order[:place]
                if not {*b.proposal.patch.files}.isdisjoint(each.proposal.patch.files)
            ]
            epoch.needs[each.id] = await asyncio.to_thread(
                _needs_of, each.id, [b.id for b in before], epoch, repository
            )


def _needs_of(
    change: str, before: Sequence[str], epoch: Epoch, repository: Repository
) -> frozenset[str]:
    """The fewest of these, with what they need themselves, that its patch applies on: none, or the nearest one."""

    def applies(on: frozenset[str]) -> bool:
        chosen = [each for each in epoch.changes if each in on]
        patches = [(each, epoch.patches[each]) for each in (*chosen, change)]
        return not repository.compose(epoch.place.head, patches).failed

    if not before or applies(frozenset()):
        return frozenset()
    for each in reversed(before):
        enough = epoch.needs.get(each, frozenset()) | {each}
        if applies(enough):
            return enough
    return frozenset(before).union(*(epoch.needs.get(each, frozenset()) for each in before))
