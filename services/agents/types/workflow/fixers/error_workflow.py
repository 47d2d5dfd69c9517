"""Sets the error workflow that the target's configuration names."""

from collections.abc import Sequence

from services.agents.types.workflow.fixer import WorkflowFixer, declare
from services.agents.types.workflow.priors import PRIORS
from shared.agent_types import FixBehaviour
from shared.detectors.n8n import Subject, WorkflowProblem
from shared.detectors.n8n.json_edits import Splice, add_member, replace_value

SETTING = "errorWorkflow"


def rewrite(subject: Subject, problem: WorkflowProblem) -> Sequence[Splice]:
    """Return the edit that adds the setting, or fills it in where it is empty."""
    settings, text = subject.workflow.json.get("settings"), subject.workflow.text
    if settings is None or not problem.data:
        return ()
    there = settings.get(SETTING)
    if there is not None:
        return [replace_value(text, there, problem.data)]
    return [add_member(text, settings, SETTING, problem.data)]


FIXER = WorkflowFixer(
    declare(
        "no-error-workflow",
        "set the error workflow",
        FixBehaviour("what happens after a failure: the error workflow runs"),
        PRIORS,
    ),
    rewrite,
)
