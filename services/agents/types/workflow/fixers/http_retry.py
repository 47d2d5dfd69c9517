"""Lets HTTP requests that only read try again when they fail."""

from collections.abc import Sequence

from services.agents.types.workflow.fixer import WorkflowFixer, declare
from services.agents.types.workflow.priors import PRIORS
from shared.agent_types import FixBehaviour
from shared.detectors.n8n import Subject, WorkflowProblem
from shared.detectors.n8n.json_edits import Splice, add_member, replace_value

SETTING = "retryOnFail"


def rewrite(subject: Subject, problem: WorkflowProblem) -> Sequence[Splice]:
    """Return the edit that sets the retry; n8n tries three times then, with a second between."""
    node = subject.node_at(problem.place)
    if node is None:
        return ()
    text, there = subject.workflow.text, node.json.get(SETTING)
    if there is not None:
        return [replace_value(text, there, True)]
    return [add_member(text, node.json, SETTING, True)]


FIXER = WorkflowFixer(
    declare(
        "http-no-retry",
        "try requests again that only read",
        FixBehaviour("what happens when the request fails: it is sent up to twice more"),
        PRIORS,
    ),
    rewrite,
)
