"""Rules about what makes a workflow hard to read, or should not be in a repository."""

import json
import re
from collections.abc import Iterator

from shared.contracts.base import Severity
from shared.detectors.n8n.problem import Subject, WorkflowProblem, at_node, rule
from shared.detectors.n8n.workflow import Node

# Types whose name says nothing about what a node is for, with names that older versions gave.
NAMELESS = {
    "httpRequest": ("HTTP Request",),
    "code": ("Code", "Code in JavaScript", "Code in Python"),
    "function": ("Function",),
    "functionItem": ("Function Item", "FunctionItem"),
    "set": ("Set", "Edit Fields"),
    "if": ("If", "IF"),
    "switch": ("Switch",),
    "executeWorkflow": ("Execute Workflow", "Execute Sub-workflow"),
}
# Keys of a node that do not count when two are compared.
OWN_KEYS = frozenset({"id", "name", "position", "notes", "notesInFlow", "webhookId"})
BRANCHING = frozenset({"if", "switch"})


@rule("pinned-data", Severity.WARNING)
def pinned_data(subject: Subject) -> Iterator[WorkflowProblem]:
    """Pinned data replaces what a node returns in manual runs, and often is real data."""
    pinned = subject.workflow.json.get("pinData")
    if pinned is not None and isinstance(pinned.data, dict) and pinned.data:
        names = ", ".join(repr(each) for each in pinned.data)
        message = f"Workflow {subject.workflow.name!r}: data is pinned to {names}."
        yield WorkflowProblem(pinned, "", message, "safe")


@rule("default-name", Severity.NOTE)
def default_name(subject: Subject) -> Iterator[WorkflowProblem]:
    """A node that is called by its type alone says nothing about what it is for."""
    for node in subject.active_nodes:
        names = NAMELESS.get(node.short_type, ())
        if re.sub(r"\s*\d+$", "", node.name) in names:
            yield at_node(node, "its name says only of which type it is.")


@rule("duplicate-branch", Severity.WARNING)
def duplicate_branch(subject: Subject) -> Iterator[WorkflowProblem]:
    """Branches that do the same have to be changed together; one can serve both outputs."""
    for node in subject.active_nodes:
        if node.short_type not in BRANCHING:
            continue
        seen: dict[str, str] = {}
        for targets in (each for _, each in sorted(subject.graph.outputs_of(node.name).items())):
            branch = _branch(subject, targets)
            if branch is None:
                continue
            first, what = branch
            if what in seen and seen[what] != first.name:
                yield at_node(
                    first, f"it begins the same branch of {node.name!r} as {seen[what]!r}."
                )
            seen.setdefault(what, first.name)


def _branch(subject: Subject, targets: list[str]) -> tuple[Node, str] | None:
    """Return the first node of a branch of its own, and what the branch does as a text.

    A branch ends with its last node, or where another path joins. Returns None where an output
    leads to several nodes, or the branch does nothing.
    """
    graph, known = subject.graph, subject.workflow.by_name
    path: list[Node] = []
    while len(targets) == 1 and len(graph.into.get(targets[0], ())) == 1:
        node = known[targets[0]]
        if node in path or set(graph.outputs_of(node.name)) - {0}:
            return None
        path.append(node)
        targets = graph.outputs_of(node.name).get(0, [])
    if len(targets) > 1 or all(each.short_type == "noOp" for each in path):
        return None
    content = [{k: v for k, v in e.json.data.items() if k not in OWN_KEYS} for e in path]
    return path[0], json.dumps([content, targets], sort_keys=True)
