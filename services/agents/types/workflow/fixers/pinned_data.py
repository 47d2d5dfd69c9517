"""Removes pinned data."""

from collections.abc import Sequence

from services.agents.types.workflow.fixer import WorkflowFixer, declare
from services.agents.types.workflow.priors import PRIORS
from shared.agent_types import FixBehaviour
from shared.detectors.n8n import Subject, WorkflowProblem
from shared.detectors.n8n.json_edits import Splice


def rewrite(_: Subject, problem: WorkflowProblem) -> Sequence[Splice]:
    """Return the edit that leaves an empty object in place of the data, as n8n writes it."""
    return [Splice(problem.place.start, problem.place.end, "{}")]


FIXER = WorkflowFixer(
    declare(
        "pinned-data",
        "remove pinned data",
        FixBehaviour("what nodes return in manual runs", unless=("workflows.pinned-data",)),
        PRIORS,
        commit_type="chore",
    ),
    rewrite,
)
