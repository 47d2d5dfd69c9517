"""Replaces nodes of types that n8n removed by nodes that do the same."""

from collections.abc import Sequence

from services.agents.types.workflow.fixer import WorkflowFixer, declare
from services.agents.types.workflow.priors import PRIORS
from shared.agent_types import FixBehaviour
from shared.detectors.n8n import Subject, WorkflowProblem
from shared.detectors.n8n.json_edits import (
    Splice,
    add_member,
    keep_members,
    rename_member,
    replace_value,
)
from shared.detectors.n8n.json_text import Json
from shared.detectors.n8n.replacements import NodeReplacement, replacement_of


def rewrite(subject: Subject, problem: WorkflowProblem) -> Sequence[Splice]:
    """Return the edits of the node's type, version and parameters; its name and id stay."""
    node, text = subject.node_at(problem.place), subject.workflow.text
    new = replacement_of(subject, node) if node else None
    if node is None or new is None:
        return ()
    kind, version = node.json.get("type"), node.json.get("typeVersion")
    parameters = node.json.get("parameters")
    assert kind is not None
    assert parameters is not None
    edits = [replace_value(text, kind, new.type), *_parameters(text, parameters, new)]
    if version is None:
        return [*edits, add_member(text, node.json, "typeVersion", new.version, after="type")]
    return [*edits, *([] if version.data == new.version else [_version(text, version, new)])]


def _version(text: str, version: Json, new: NodeReplacement) -> Splice:
    """Return the edit of the version of the type."""
    return replace_value(text, version, new.version)


def _parameters(text: str, parameters: Json, new: NodeReplacement) -> list[Splice]:
    """Return the edits that make the parameters of the new node of those of the old one."""
    if new.add is not None:
        return [replace_value(text, parameters, dict(new.add))]
    renamed = new.rename or {}
    wanted = {*new.keep, *renamed}
    kept = [n for n, each in enumerate(parameters.members) if each.key in wanted]
    renames = [rename_member(parameters, old, to) for old, to in renamed.items()]
    return [*keep_members(parameters, kept), *renames]


FIXERS = (
    WorkflowFixer(
        declare(
            "start-node",
            "start manual runs by a manual trigger",
            FixBehaviour("which node manual runs begin with, and calls of it as a sub-workflow"),
            PRIORS,
        ),
        rewrite,
    ),
    WorkflowFixer(
        declare(
            "function-node",
            "run code by the Code node",
            FixBehaviour("the sandbox in which the code runs, with its limits of time and memory"),
            PRIORS,
        ),
        rewrite,
    ),
    WorkflowFixer(
        declare(
            "item-lists-node",
            "use the nodes that took the place of Item Lists",
            FixBehaviour(
                "what an operation does otherwise there", unless=("workflows.same-operation",)
            ),
            PRIORS,
        ),
        rewrite,
    ),
    WorkflowFixer(
        declare(
            "cron-node",
            "schedule runs by the Schedule Trigger",
            FixBehaviour(
                "the second or minute of a run, and the fields of the item it begins with"
            ),
            PRIORS,
            commit_type="refactor",
        ),
        rewrite,
    ),
    WorkflowFixer(
        declare(
            "interval-node",
            "run at intervals by the Schedule Trigger",
            FixBehaviour("when the first run is, and the fields of the item it begins with"),
            PRIORS,
            commit_type="refactor",
        ),
        rewrite,
    ),
)
