"""Rules about what happens when something fails, and about loops that do not end."""

from collections.abc import Iterator
from typing import Any

from shared.contracts.base import Severity
from shared.detectors.n8n.problem import Subject, WorkflowProblem, at_node, rule
from shared.detectors.n8n.workflow import Node

HTTP_REQUEST = "n8n-nodes-base.httpRequest"
SPLIT_IN_BATCHES = "n8n-nodes-base.splitInBatches"
# Triggers of executions that a person watches, or whose errors another workflow gets.
WATCHED = frozenset(
    {"start", "manualTrigger", "errorTrigger", "executeWorkflowTrigger", "evaluationTrigger"}
)
# Methods that read only, and those that have the same effect however often they are called.
READING = frozenset({"GET", "HEAD", "OPTIONS"})
REPEATABLE = READING | {"PUT", "DELETE"}
# Types that pass on at least one item for every input, in one output.
PASSING = frozenset(
    {"httpRequest", "set", "noOp", "wait", "dateTime", "renameKeys", "crypto", "respondToWebhook"}
)
# The version from which the first output of the loop node is that for the end of the loop.
DONE_OUTPUT_FIRST = 3.0


def http_method(node: Node) -> str:
    """Return the method of an HTTP Request node; empty if an expression computes it."""
    key = "method" if node.version >= 3 else "requestMethod"  # noqa: PLR2004
    found = node.parameter(key)
    if found is None:
        return "GET"
    return found if isinstance(found, str) and not found.startswith("=") else ""


@rule("no-error-workflow", Severity.WARNING)
def no_error_workflow(subject: Subject) -> Iterator[WorkflowProblem]:
    """Without an error workflow nobody is told when an execution that nobody watches fails."""
    flow, triggers = subject.workflow, subject.graph.triggers
    unwatched = [each for each in triggers if each.short_type not in WATCHED]
    if not unwatched or flow.setting("errorWorkflow"):
        return
    settings = flow.json.get("settings")
    message = f"Workflow {flow.name!r}: no error workflow is told when it fails."
    can_fix = bool(subject.options.error_workflow) and flow.json.get("settings") is not None
    yield WorkflowProblem(
        settings or flow.json,
        "",
        message,
        "unsafe" if can_fix else "no",
        subject.options.error_workflow,
    )


def _http_nodes(subject: Subject) -> Iterator[Node]:
    """Yield the HTTP Request nodes that run."""
    return (each for each in subject.active_nodes if each.type == HTTP_REQUEST)


@rule("http-no-retry", Severity.WARNING)
def http_no_retry(subject: Subject) -> Iterator[WorkflowProblem]:
    """A request that may be repeated should be, as networks fail now and then.

    Requests that have another effect each time are not meant: for them a retry may do harm.
    """
    for node in _http_nodes(subject):
        if http_method(node) not in REPEATABLE or node.setting("retryOnFail") is True:
            continue
        if not _accepts_any_status(node):
            fixable = "unsafe" if http_method(node) in READING else "no"
            what = "it does not try again when the request fails."
            yield at_node(node, what, fixable=fixable)


def _accepts_any_status(node: Node) -> bool:
    """Return whether an answer that reports a failure is no error for a node."""
    never_error = node.parameter("options", "response", "response", "neverError")
    return never_error is True or node.parameter("options", "ignoreResponseCode") is True


@rule("http-no-timeout", Severity.NOTE)
def http_no_timeout(subject: Subject) -> Iterator[WorkflowProblem]:
    """Without a time-out of its own, a request that hangs holds its execution for five minutes."""
    limit = subject.workflow.setting("executionTimeout")
    if isinstance(limit, int | float) and limit > 0:
        return
    for node in _http_nodes(subject):
        options = node.parameter("options")
        if options is not None and not isinstance(options, dict):
            continue
        if not (options or {}).get("timeout"):
            fixable = "unsafe" if _is_quick_read(node, options or {}) else "no"
            what = "it has no time-out of its own."
            yield at_node(node, what, fixable=fixable, data=subject.options.timeout)


def _is_quick_read(node: Node, options: dict[str, Any]) -> bool:
    """Return whether a node reads what is not a file, so that a minute is plenty."""
    if (
        http_method(node) not in READING
        or "timeout" in options
        or node.json.get("parameters") is None
    ):
        return False
    nested = node.parameter("options", "response", "response", "responseFormat")
    return "file" not in {nested, node.parameter("responseFormat")}


@rule("endless-loop", Severity.ERROR)
def endless_loop(subject: Subject) -> Iterator[WorkflowProblem]:
    """A circle in which every node passes on what it gets ends only with an error or time-out."""
    known = subject.workflow.by_name
    for circle in subject.graph.circles:
        nodes = [known[name] for name in known if name in circle]
        if all(_has_no_exit(each, circle, subject) for each in nodes):
            names = ", ".join(repr(each.name) for each in nodes)
            yield at_node(nodes[0], f"nothing ends the loop of {names}.")


def _has_no_exit(node: Node, circle: frozenset[str], subject: Subject) -> bool:
    """Return whether a node of a circle certainly passes something on within it."""
    if node.disabled:
        return True
    if node.setting("onError") == "continueErrorOutput" or node.setting("executeOnce"):
        return False
    if node.type == SPLIT_IN_BATCHES:
        return node.parameter("options", "reset") is True
    outputs = subject.graph.outputs_of(node.name)
    inside = {index for index, targets in outputs.items() if circle & set(targets)}
    if node.short_type == "if":
        return inside == {0, 1}
    return node.short_type in PASSING and inside == {0}


@rule("unclosed-loop", Severity.WARNING)
def unclosed_loop(subject: Subject) -> Iterator[WorkflowProblem]:
    """A loop node sends the first batch only, unless what it leads to leads back to it."""
    looping = frozenset[str]().union(*subject.graph.circles)
    for node in subject.active_nodes:
        if node.type != SPLIT_IN_BATCHES or node.name in looping:
            continue
        index = 1 if node.version >= DONE_OUTPUT_FIRST else 0
        if subject.graph.outputs_of(node.name).get(index):
            yield at_node(node, "nothing leads back to it, so that only the first batch is sent.")
