"""Writes `onError` in place of `continueOnFail`."""

from collections.abc import Sequence

from services.agents.types.workflow.fixer import WorkflowFixer, declare
from services.agents.types.workflow.priors import PRIORS
from shared.agent_types import FixBehaviour
from shared.detectors.n8n import Subject, WorkflowProblem
from shared.detectors.n8n.json_edits import Splice, dump, remove_member, rename_member

OLD, NEW, GO_ON = "continueOnFail", "onError", "continueRegularOutput"


def rewrite(subject: Subject, problem: WorkflowProblem) -> Sequence[Splice]:
    """Return the edits that rename the setting, or remove it where it says what is the default."""
    node = subject.node_at(problem.place)
    value = node.json.get(OLD) if node else None
    if node is None or value is None:
        return ()
    if value.data is False:
        return remove_member(node.json, OLD)
    return [rename_member(node.json, OLD, NEW), Splice(value.start, value.end, dump(GO_ON))]


FIXER = WorkflowFixer(
    declare(
        "continue-on-fail",
        "say by onError what happens after an error",
        FixBehaviour("what happens when the node fails", unless=("workflows.on-error",)),
        PRIORS,
        commit_type="refactor",
    ),
    rewrite,
)
