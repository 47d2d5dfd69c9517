"""Removes the connections of nodes that do not exist."""

from collections.abc import Sequence

from services.agents.types.workflow.fixer import WorkflowFixer, declare
from services.agents.types.workflow.priors import PRIORS
from shared.agent_types import FixBehaviour
from shared.detectors.n8n import Subject, WorkflowProblem
from shared.detectors.n8n.json_edits import Splice, remove_member


def rewrite(subject: Subject, problem: WorkflowProblem) -> Sequence[Splice]:
    """Return the edits that take the node's name out of the connections."""
    connections = subject.workflow.json.get("connections")
    return remove_member(connections, problem.data) if connections is not None else ()


FIXER = WorkflowFixer(
    declare(
        "missing-source",
        "drop connections from missing nodes",
        FixBehaviour(
            "how many inputs their targets wait for", unless=("workflows.missing-source",)
        ),
        PRIORS,
        commit_type="refactor",
    ),
    rewrite,
)
