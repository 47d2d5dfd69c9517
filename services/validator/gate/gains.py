"""Has the gain measured of changes that promise speed, and rejects those that show none."""

from collections.abc import Sequence

from services.validator.deps import ValidatorDeps
from services.validator.gains.usecases import measure_gain
from services.validator.gate.evidence_fetcher import EvidenceFetcher
from services.validator.gate.rounds import GateRound, compose
from services.validator.queue.transitions import reject
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.gain import Gain


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
    prediction = change.proposal.prediction
    if prediction is None or not prediction.promises_speed or change.id in gate_round.facts.gains:
        return False
    known = change.decision.gain
    if known is not None and gate_round.is_approved(change.id):
        gate_round.facts.gains[change.id] = known
        return False
    return True


async def _measure(
    gate_round: GateRound, change: Enhancement, ids: Sequence[str], deps: ValidatorDeps
) -> Gain:
    """Measure the gain of a change on the head alone, or on those before it if it needs them."""
    before, chosen = gate_round.prepared.tree, [change.id]
    composition = await compose(gate_round, chosen, deps)
    if composition.failed:
        chosen = list(ids[: ids.index(change.id) + 1])
        composition = await compose(gate_round, chosen, deps)
        before = composition.steps[-2][1]
    return await measure_gain(
        change,
        (before, composition.steps[-1][1]),
        gate_round.prepared,
        deps,
        changes=chosen,
        tests=gate_round.facts.impacted.get(change.id),
    )
