"""Seeks proofs for a round's changes, which then need no mutants and no approval for want of tests.

A proof is about a change on those before it. So it is sought again for every batch that may land;
what was compared once is known.
"""

from collections.abc import Sequence

from services.validator.deps import ValidatorDeps
from services.validator.gate.decision_events import publish_proofs
from services.validator.gate.rounds import GateRound, compose
from services.validator.proof.usecases import prove_changes


async def prove(gate_round: GateRound, ids: Sequence[str], deps: ValidatorDeps) -> None:
    """Find the proofs of these changes, tried together, and publish those that are new.

    Changes that do not apply together are left as they are: a run shows that, and the gate decides
    what follows. Those that have left the round are passed over.
    """
    present = {each: gate_round.changes[each] for each in ids if each in gate_round.changes}
    composition = await compose(gate_round, ids, deps)
    if composition.failed:
        return
    changes = [present[each] for each, _ in composition.steps]
    known = gate_round.facts.proofs
    new = await prove_changes(changes, composition.steps, gate_round.prepared, known, deps)
    await publish_proofs(gate_round, new, deps)
