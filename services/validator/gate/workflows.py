"""Has a running n8n compare the workflows of a round's changes, before any test runs."""

from services.validator.deps import ValidatorDeps
from services.validator.gate.decision_events import publish_workflow_checks
from services.validator.gate.rounds import GateRound, compose
from services.validator.queue.transitions import reject
from services.validator.workflows.usecases.check import check_change
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.workflows import WorkflowCheck


async def check_workflows(gate_round: GateRound, deps: ValidatorDeps) -> None:
    """Check the changes of workflows in n8n, each on those before it, and publish the outcomes.

    Rejected are those with which n8n does not take a workflow any more, and those that claim to
    keep behaviour where a node returns something else. Of the others a person is told what differs
    or why nothing could be measured (`workflow_reason`).
    """
    if deps.workflow_server is None:
        return
    composition = await compose(gate_round, tuple(gate_round.changes), deps)
    before, found = gate_round.prepared.tree, {}
    for key, after in composition.steps:
        change = gate_round.changes[key]
        check = await check_change(change, (before, after), gate_round.prepared, deps)
        before = after
        if check is not None:
            found[key] = check
    gate_round.facts.workflows |= found
    await publish_workflow_checks(gate_round, found, deps)
    for key, check in found.items():
        if _is_refused(gate_round.changes[key], check):
            await reject(gate_round.remove(key), f"n8n: {check.summary}", deps)


def _is_refused(change: Enhancement, check: WorkflowCheck) -> bool:
    """Return whether no person has to be asked about what n8n showed of a change."""
    return check.state == "refused" or (check.state == "different" and change.proposal.fix.safe)
