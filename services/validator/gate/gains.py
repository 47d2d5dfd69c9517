"""Has the gain measured of changes that promise speed, and rejects those that show none."""

from collections.abc import Sequence

import structlog

from services.validator.deps import ValidatorDeps
from services.validator.gains.usecases import measure_gain
from services.validator.gate.evidence_fetcher import EvidenceFetcher
from services.validator.gate.rounds import GateRound, compose
from services.validator.git.ports import Composition
from services.validator.impact.usecases.impacted import impact_of
from services.validator.prepared import PreparedHead
from services.validator.queue.transitions import reject
from services.validator.suite.domain.reports import TestReport
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.gain import Gain

log = structlog.get_logger(__name__)


def promises_speed(change: Enhancement) -> bool:
    """Return whether a change predicts that something takes less time."""
    prediction = change.proposal.prediction
    return prediction is not None and prediction.promises_speed


async def reject_without_gain(
    gate_round: GateRound, ids: Sequence[str], fetcher: EvidenceFetcher, deps: ValidatorDeps
) -> bool:
    """Measure the gains that these changes promise, and reject those that show none.

    They are tried together, and passed. Returns true if any left the round.
    """
    rejected = []
    for each in ids:
        change = gate_round.changes[each]
        if _is_gain_wanted(gate_round, change):
            await fetcher.wait_for_background()
            gate_round.facts.gains[each] = await _measure(gate_round, change, ids, deps)
        gain = gate_round.facts.gains.get(each)
        if gain is not None and gain.state == "none":
            rejected.append(each)
            await reject(gate_round.remove(each), gain.summary, deps, run=gain.run)
    await fetcher.cancel_runs_with(rejected)
    return bool(rejected)


def _is_gain_wanted(gate_round: GateRound, change: Enhancement) -> bool:
    """Return whether a change promises speed and its gain has to be measured.

    A person who approved it, knowing that its gain could not be measured, is not asked again.
    """
    if not promises_speed(change) or change.id in gate_round.facts.gains:
        return False
    known = change.decision.gain
    if known is not None and gate_round.is_approved(change.id):
        gate_round.facts.gains[change.id] = known
        return False
    return True


async def _measure(
    gate_round: GateRound, change: Enhancement, ids: Sequence[str], deps: ValidatorDeps
) -> Gain:
    """Measure and store the gain of a change, on the head or on those before it that it needs."""
    chosen = [change.id]
    composition = await compose(gate_round, chosen, deps)
    if composition.failed:
        chosen = list(ids[: ids.index(change.id) + 1])
        composition = await compose(gate_round, chosen, deps)
    baseline = await gate_round.baseline
    gain = await measure_last(change, composition, gate_round.prepared, baseline, deps)
    await deps.store.enhancements.set_fields(change.id, decision__gain=gain)
    return gain


async def measure_last(
    change: Enhancement,
    composition: Composition,
    prepared: PreparedHead,
    baseline: TestReport,
    deps: ValidatorDeps,
) -> Gain:
    """Measure the gain of a change, which is the last one of a composition on the head."""
    impacted = await impact_of([change], composition.steps, prepared, deps, baseline.outcomes)
    trees = [prepared.tree, *(tree for _, tree in composition.steps)]
    return await measure_gain(
        change,
        (trees[-2], trees[-1]),
        prepared,
        deps,
        changes=[each for each, _ in composition.steps],
        tests=impacted[change.id],
    )
