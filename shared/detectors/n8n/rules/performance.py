"""Rules about workflows that do more calls, wait longer or pass more data than they need."""

import re
from collections.abc import Iterator

from shared.contracts.base import Severity
from shared.detectors.n8n.expressions import named_nodes, names_any_node, reads_input
from shared.detectors.n8n.facts.types import node_type
from shared.detectors.n8n.problem import Subject, WorkflowProblem, at_node, rule
from shared.detectors.n8n.rules.reliability import (
    HTTP_REQUEST,
    READING,
    SPLIT_IN_BATCHES,
    http_method,
)
from shared.detectors.n8n.workflow import Node

# Types that send many items at once or in batches, if they get them at once.
BATCHING = frozenset(
    {
        "httpRequest",
        "postgres",
        "mySql",
        "mongoDb",
        "microsoftSql",
        "googleSheets",
        "googleBigQuery",
    }
)
# Types that only pass on or rewrite items.
CARRYING = frozenset({"set", "noOp", "renameKeys", "dateTime"})
# Types that return the items that they get, or some of them.
KEEPING = frozenset({"noOp", "if", "switch", "filter", "merge", "limit", "sort"})
EVERY_FEW_MINUTES = re.compile(r"^(?:\S+ )?(?:\*|\*/(\d+)) \* \* \* \*$")
SINGLE_ITEM_FROM = 3.0
INCLUDING_ALL_FROM = 3.3
SECONDS_PER_MINUTE = 60


@rule("sequential-calls", Severity.NOTE)
def sequential_calls(subject: Subject) -> Iterator[WorkflowProblem]:
    """n8n runs one node at a time; requests that do not need each other can go out together.

    The second one waits for nothing, and is sent once for every item that the first one returns.
    One node with two items sends both at once.
    """
    graph, known = subject.graph, subject.workflow.by_name
    for node in subject.active_nodes:
        before = [known[each.source] for each in graph.into.get(node.name, ())]
        if len(before) == 1 and _is_read(node) and _is_read(before[0]):
            needs = reads_input(node) or names_any_node(node) or before[0].name in named_nodes(node)
            if not needs and not before[0].disabled:
                yield at_node(node, f"it needs nothing from {before[0].name!r}, but waits for it.")


def _is_read(node: Node) -> bool:
    """Return whether a node is an HTTP request that only reads."""
    return node.type == HTTP_REQUEST and http_method(node) in READING


@rule("call-per-item", Severity.NOTE)
def call_per_item(subject: Subject) -> Iterator[WorkflowProblem]:
    """Nodes that send many items by themselves do so faster than a loop over single items."""
    known = subject.workflow.by_name
    for circle in subject.graph.circles:
        nodes = [known[name] for name in known if name in circle]
        loops = [each for each in nodes if each.type == SPLIT_IN_BATCHES]
        body = [each for each in nodes if each.type != SPLIT_IN_BATCHES]
        calls = [each for each in body if each.short_type in BATCHING]
        if len(loops) != 1 or len(calls) != 1 or not _is_single_item(loops[0]):
            continue
        if all(each in calls or each.short_type in CARRYING for each in body):
            what = f"the loop {loops[0].name!r} calls it once for each item; it can take them all."
            yield at_node(calls[0], what)


def _is_single_item(loop: Node) -> bool:
    """Return whether a loop node sends one item at a time."""
    size = loop.parameter("batchSize")
    return size == 1 or (size is None and loop.version >= SINGLE_ITEM_FROM)


@rule("polling", Severity.NOTE)
def polling(subject: Subject) -> Iterator[WorkflowProblem]:
    """A workflow that asks every few minutes whether there is news runs mostly for nothing."""
    known = subject.workflow.by_name
    for trigger in subject.graph.triggers:
        minutes = _interval_minutes(trigger)
        if minutes is None or minutes > subject.options.poll_minutes:
            continue
        for each in subject.graph.out.get(trigger.name, ()):
            if how := _instead_of_polling(known[each.target]):
                yield at_node(trigger, f"it asks {each.target!r} every {minutes:g} minutes; {how}.")


def _instead_of_polling(node: Node) -> str:
    """Return what could call the workflow in place of a schedule, as a clause; empty if nothing."""
    if _is_read(node):
        return "a webhook would tell, if the service can call one"
    trigger = node_type(f"{node.type}Trigger")
    return (
        f"its own trigger would tell ({min(trigger.names)})" if trigger and trigger.webhook else ""
    )


def _interval_minutes(trigger: Node) -> float | None:
    """Return the shortest time between two runs by a schedule, if it is short; None otherwise."""
    if trigger.short_type != "scheduleTrigger":
        return None
    rules = trigger.parameter("rule", "interval")
    found = [_minutes(each) for each in rules or () if isinstance(each, dict)]
    return min((each for each in found if each is not None), default=None)


def _minutes(rule_: dict[str, object]) -> float | None:
    """Return the interval of one rule of a schedule in minutes; None for hours and longer."""
    field = rule_.get("field")
    if field == "cronExpression":
        match = EVERY_FEW_MINUTES.match(str(rule_.get("expression", "")).strip())
        return float(match.group(1) or 1) if match else None
    defaults = {"seconds": 30, "minutes": 5}
    if field not in defaults:
        return None
    size = rule_.get(f"{field}Interval", defaults[str(field)])
    if not isinstance(size, int | float):
        return None
    return size / SECONDS_PER_MINUTE if field == "seconds" else float(size)


@rule("whole-input", Severity.NOTE)
def whole_input(subject: Subject) -> Iterator[WorkflowProblem]:
    """A sub-workflow that returns all that it got makes n8n copy and keep the same data again."""
    graph = subject.graph
    if not any(each.short_type == "executeWorkflowTrigger" for each in graph.triggers):
        return
    for node in subject.active_nodes:
        if node.is_trigger or graph.out.get(node.name) or graph.serves.get(node.name):
            continue
        if _keeps_all(node) and all(_keeps_all(each) for each in _before(subject, node)):
            yield at_node(node, "the sub-workflow returns its whole input with the result.")


def _before(subject: Subject, last: Node) -> list[Node]:
    """Return the nodes on all ways to a node, without triggers."""
    found: set[str] = set()
    waiting = [last.name]
    while waiting:
        name = waiting.pop()
        new = {each.source for each in subject.graph.into.get(name, ())} - found
        found |= new
        waiting += new
    nodes = (subject.workflow.by_name[name] for name in found)
    return [each for each in nodes if not each.is_trigger]


def _keeps_all(node: Node) -> bool:
    """Return whether a node passes on all fields of what it gets."""
    if node.short_type != "set":
        return node.short_type in KEEPING
    if node.version < SINGLE_ITEM_FROM:
        return node.parameter("keepOnlySet") is not True
    if node.version >= INCLUDING_ALL_FROM:
        chosen = node.parameter("include") in {None, "all"}
        return node.parameter("includeOtherFields") is True and chosen
    return node.parameter("include") in {None, "all"}
