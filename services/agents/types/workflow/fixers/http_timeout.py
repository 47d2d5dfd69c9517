"""Gives a time-out to HTTP requests that only read."""

from collections.abc import Sequence

from services.agents.types.workflow.fixer import WorkflowFixer, declare
from services.agents.types.workflow.priors import PRIORS
from shared.agent_types import FixBehaviour
from shared.detectors.n8n import Subject, WorkflowProblem
from shared.detectors.n8n.json_edits import Splice, add_member


def rewrite(subject: Subject, problem: WorkflowProblem) -> Sequence[Splice]:
    """Return the edit that adds the time-out to the options, and those where there are none."""
    node = subject.node_at(problem.place)
    parameters = node.json.get("parameters") if node else None
    if parameters is None:
        return ()
    text, options = subject.workflow.text, parameters.get("options")
    if options is None:
        return [add_member(text, parameters, "options", {"timeout": problem.data})]
    return [add_member(text, options, "timeout", problem.data)]


FIXER = WorkflowFixer(
    declare(
        "http-no-timeout",
        "give requests that only read a time-out",
        FixBehaviour("requests that take longer than the time-out: they fail"),
        PRIORS,
    ),
    rewrite,
)
