"""Rules about the graph, and about what n8n does not know."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from shared.contracts.base import Severity
from shared.detectors.n8n.expressions import named_nodes
from shared.detectors.n8n.facts.types import is_of_known_package, retirements
from shared.detectors.n8n.problem import Fixable, Subject, WorkflowProblem, at_node, rule
from shared.detectors.n8n.workflow import Connection, Node, Workflow

ERROR_OUTPUT = "continueErrorOutput"


@rule("missing-target", Severity.ERROR)
def missing_target(subject: Subject) -> Iterator[WorkflowProblem]:
    """A connection to a node that does not exist ends each execution that comes to it."""
    flow = subject.workflow
    for each in flow.connections:
        if each.target not in flow.by_name and each.source in flow.by_name:
            meant = _meant_by_id(flow, each.target)
            found = _at_connection(each, "leads to a node that does not exist")
            yield (
                replace(found, message=f"{found.message}{meant}", fixable="no") if meant else found
            )


@rule("missing-source", Severity.NOTE)
def missing_source(subject: Subject) -> Iterator[WorkflowProblem]:
    """Connections of a node that does not exist are dead weight, and come to life with a rename."""
    flow = subject.workflow
    names = {node.name for node in flow.all_nodes}
    top = flow.json.get("connections")
    for each in top.members if top else ():
        if each.key not in names:
            meant = _meant_by_id(flow, each.key or "")
            message = f"Connections of a node {each.key!r}, which does not exist.{meant}"
            fixable: Fixable = "no" if meant else "safe"
            yield WorkflowProblem(each.value, each.key or "", message, fixable, each.key)


def _meant_by_id(flow: Workflow, name: str) -> str:
    """Return a sentence on what is named by the id of a node; empty for any other name.

    n8n looks connections up by names alone. What has an id in its place carries nothing, but was
    meant by somebody, so that it is not for us to remove.
    """
    meant = next((e.name for e in flow.all_nodes if name and e.setting("id") == name), None)
    if meant is None:
        return ""
    return (
        f" It is the id of {meant!r}, and n8n knows connections by names only: write the name, if "
        "the connection is meant, or else remove it."
    )


def _at_connection(each: Connection, what: str) -> WorkflowProblem:
    """Return a problem of one connection, at its place."""
    message = f"Node {each.source!r}: output {each.output} {what} ({each.target!r})."
    subject = "\0".join(map(str, each.path[:3])) + f"\0{each.target}"
    return WorkflowProblem(each.json, subject, message, "unsafe", each.path)


@rule("no-such-output", Severity.WARNING)
def no_such_output(subject: Subject) -> Iterator[WorkflowProblem]:
    """A connection from an output that the node does not have never carries anything."""
    flow = subject.workflow
    for each in flow.connections:
        node = flow.by_name.get(each.source)
        if node is None or each.kind != "main" or node.facts is None:
            continue
        outputs = node.facts.outputs
        more = 1 if node.setting("onError") == ERROR_OUTPUT else 0
        if outputs is not None and each.output >= outputs + more:
            yield at_node(
                node,
                f"it has {outputs + more} outputs, and a connection from another one "
                f"(number {each.output + 1}).",
                more=f"{each.output}\0{each.target}",
            )


@rule("unreachable", Severity.WARNING)
def unreachable(subject: Subject) -> Iterator[WorkflowProblem]:
    """What no trigger leads to never runs; it misleads readers, or a connection is missing."""
    graph = subject.graph
    if not graph.triggers:
        return
    for node in subject.workflow.nodes:
        if node.name in graph.reached or node.disabled or node.is_trigger:
            continue
        alone = not graph.into.get(node.name) and not graph.out.get(node.name)
        if alone and not graph.serves.get(node.name):
            yield at_node(node, "it is connected to nothing.")
        else:
            yield at_node(node, "no enabled trigger leads to it, so it never runs.")


@rule("no-trigger", Severity.WARNING)
def no_trigger(subject: Subject) -> Iterator[WorkflowProblem]:
    """A workflow without an enabled trigger cannot be started."""
    flow = subject.workflow
    if flow.nodes and not subject.graph.triggers:
        message = f"Workflow {flow.name!r}: no enabled trigger starts it."
        yield WorkflowProblem(flow.json.get("name") or flow.json, "", message)


@rule("duplicate-name", Severity.ERROR)
def duplicate_name(subject: Subject) -> Iterator[WorkflowProblem]:
    """Connections and expressions find nodes by name, so that of two with one name one is lost."""
    seen: Counter[str] = Counter()
    for node in subject.workflow.all_nodes:
        seen[node.name] += 1
        if seen[node.name] > 1:
            yield at_node(node, "another node has the same name.", more=str(seen[node.name]))


@rule("missing-reference", Severity.ERROR)
def missing_reference(subject: Subject) -> Iterator[WorkflowProblem]:
    """An expression that reads the data of a node that does not exist fails when it is used."""
    names = {each.name for each in subject.workflow.all_nodes}
    for node in subject.workflow.nodes:
        for name in sorted(named_nodes(node) - names):
            yield at_node(
                node, f"an expression reads node {name!r}, which does not exist.", more=name
            )


@rule("unknown-type", Severity.ERROR)
def unknown_type(subject: Subject) -> Iterator[WorkflowProblem]:
    """A node of a type that n8n does not have cannot run."""
    for node in subject.workflow.nodes:
        is_known = node.facts is not None or node.type in retirements()
        if is_of_known_package(node.type) and not is_known:
            yield at_node(node, f"n8n has no type {node.type!r}.")


@rule("unknown-version", Severity.ERROR)
def unknown_version(subject: Subject) -> Iterator[WorkflowProblem]:
    """A node of a version that its type never had cannot run.

    Versions a little above the newest that is known may be of a newer n8n.
    """
    for node in subject.workflow.nodes:
        known = node.facts.versions if node.facts else ()
        if known and node.version not in known and not max(known) < node.version <= max(known) + 1:
            yield at_node(node, f"its type has no version {node.version:g}.")


@rule("missing-parameter", Severity.ERROR)
def missing_parameter(subject: Subject) -> Iterator[WorkflowProblem]:
    """n8n does not run a node without a value for a parameter that its type requires."""
    for node in subject.active_nodes:
        for name in sorted(node.facts.required) if node.facts else ():
            if node.parameter(name) in (None, ""):
                yield at_node(node, f"it has no {name!r}, which its type requires.", more=name)


@rule("unknown-choice", Severity.ERROR)
def unknown_choice(subject: Subject) -> Iterator[WorkflowProblem]:
    """A node fails whose resource, operation or mode is none that its type offers."""
    for node in subject.workflow.nodes:
        for name, values in node.facts.choices.items() if node.facts else ():
            chosen = node.parameter(name)
            if isinstance(chosen, str) and not chosen.startswith("=") and chosen not in values:
                yield at_node(
                    node, f"its type offers no {name} {chosen!r}.", more=f"{name}={chosen}"
                )


@rule("unknown-parameter", Severity.NOTE)
def unknown_parameter(subject: Subject) -> Iterator[WorkflowProblem]:
    """n8n ignores a parameter that the type does not have, whatever its author expected of it."""
    for node in subject.workflow.nodes:
        known = node.facts.parameters if node.facts else frozenset[str]()
        given = node.parameter() if known else None
        for name in given if isinstance(given, dict) else ():
            if name not in known and not _is_extra(node, name):
                yield at_node(node, f"its type has no parameter {name!r}.", more=name)


def _is_extra(node: Node, name: str) -> bool:
    """Return whether a parameter is one that n8n adds to types as they are loaded."""
    added = {"requestOptions", "toolDescription", "descriptionType", "resource", "operation"}
    return name in added or node.short_type.endswith("Tool")
