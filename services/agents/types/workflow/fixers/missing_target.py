"""Removes connections to nodes that do not exist."""

from collections.abc import Sequence

from services.agents.types.workflow.fixer import WorkflowFixer, declare
from services.agents.types.workflow.priors import PRIORS
from shared.agent_types import FixBehaviour
from shared.detectors.n8n import Subject, WorkflowProblem
from shared.detectors.n8n.json_edits import Splice, remove_member


def rewrite(subject: Subject, problem: WorkflowProblem) -> Sequence[Splice]:
    """Return the edits that take the connection out of its output, which stays where it is."""
    source, kind, output, number = problem.data
    ends = subject.workflow.json.get("connections", source, kind, output)
    return remove_member(ends, number) if ends is not None else ()


FIXER = WorkflowFixer(
    declare(
        "missing-target",
        "drop connections to missing nodes",
        FixBehaviour("executions that ended with an error there: they go on, without that branch"),
        PRIORS,
    ),
    rewrite,
)
