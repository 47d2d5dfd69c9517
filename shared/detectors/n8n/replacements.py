"""Nodes of types that n8n removed or replaced, and the nodes that do the same, where one does."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.detectors.n8n.expressions import texts_in
from shared.detectors.n8n.problem import Fixable, Subject
from shared.detectors.n8n.workflow import Node


@dataclass(frozen=True)
class NodeReplacement:
    """What a node is to become: its type, version and parameters.

    `keep` are the parameters to leave as they are, `rename` those that get another key, and `add`
    new ones. All others are dropped.
    """

    type: str
    version: float
    fixable: Fixable
    keep: tuple[str, ...] = ()
    rename: Mapping[str, str] | None = None
    add: Mapping[str, Any] | None = None


# What the code of a Function node may use and that of a Code node does not have, or has otherwise.
ONLY_IN_FUNCTION = re.compile(
    r"\bgetNodeParameter\b|\bgetWorkflowStaticData\b|\b[gs]etBinaryDataAsync\b|\bhelpers\b"
    r"|\brequire\b|\bprocess\b|\bimport\b|\.index\b|\$evaluateExpression\b|\$getPairedItem\b|\$env\b"
    r"|\bthis\b|\b__dirname\b|\bmodule\b|\bBuffer\b|\$item\b"
)
# The parameters of operations of Item Lists that are nodes with the same parameters and code.
ITEM_LISTS = {
    "limit": ("n8n-nodes-base.limit", ("maxItems", "keep")),
    "sort": ("n8n-nodes-base.sort", ("type", "sortFieldsUi", "options")),
}
ITEM_LISTS_FROM = 3.0
MAX_HOUR, MAX_MINUTE, MAX_DAY = 23, 59, 28
WEEKDAYS = frozenset("0123456")


def replacement_of(subject: Subject, node: Node) -> NodeReplacement | None:
    """Return what a node can become without anybody deciding anything; None if nothing."""
    find = _REPLACEMENTS.get(node.type)
    if find is None or not isinstance(node.parameter(), dict) or node.setting("credentials"):
        return None
    # An expression may read the parameters that are to change.
    reads_parameters = any("$parameter" in each.data for _, each in texts_in(node))
    return None if reads_parameters else find(subject, node)


def _start(subject: Subject, node: Node) -> NodeReplacement | None:
    """Return a manual trigger for a Start node, where other triggers start the workflow."""
    others = [each for each in subject.graph.triggers if each.name != node.name]
    if not others or node.parameter():
        return None
    return NodeReplacement("n8n-nodes-base.manualTrigger", 1, "unsafe")


def _function(_: Subject, node: Node) -> NodeReplacement | None:
    """Return a Code node for a Function node whose code uses nothing that only that one has."""
    code = node.parameter("functionCode")
    if set(node.parameter()) != {"functionCode"} or not isinstance(code, str):
        return None
    if code.startswith("=") or ONLY_IN_FUNCTION.search(code):
        return None
    return NodeReplacement("n8n-nodes-base.code", 2, "unsafe", rename={"functionCode": "jsCode"})


def _item_lists(_: Subject, node: Node) -> NodeReplacement | None:
    """Return the node with the operation of an Item Lists node, where both do the same."""
    found = ITEM_LISTS.get(str(node.parameter("operation")))
    if found is None or node.version < ITEM_LISTS_FROM:
        return None
    kind, keep = found
    extra = set(node.parameter()) - {"resource", "operation", *keep}
    # Code is handed other things in the one than in the other.
    if extra or node.parameter("type") == "code" or not _is_written(node, "type"):
        return None
    return NodeReplacement(kind, 1, "safe", keep=keep)


def _is_written(node: Node, name: str) -> bool:
    """Return whether a parameter is not computed by an expression."""
    return not str(node.parameter(name) or "").startswith("=")


def _interval(_: Subject, node: Node) -> NodeReplacement | None:
    """Return a Schedule Trigger that runs as often as an Interval node."""
    size, unit = node.parameter("interval"), node.parameter("unit") or "seconds"
    size = 1 if size is None else size
    limits = {"seconds": 59, "minutes": 59, "hours": 23}
    if not isinstance(size, int) or isinstance(size, bool) or unit not in limits:
        return None
    if not 1 <= size <= limits[unit] or set(node.parameter()) - {"interval", "unit"}:
        return None
    return _schedule([{"field": unit, f"{unit}Interval": size}])


def _schedule(rules: list[dict[str, Any]]) -> NodeReplacement:
    """Return a Schedule Trigger with these rules."""
    kind = "n8n-nodes-base.scheduleTrigger"
    return NodeReplacement(kind, 1.2, "unsafe", add={"rule": {"interval": rules}})


def _cron(_: Subject, node: Node) -> NodeReplacement | None:
    """Return a Schedule Trigger that runs at the times of a Cron node."""
    items = node.parameter("triggerTimes", "item")
    if not isinstance(items, list) or not items or set(node.parameter()) != {"triggerTimes"}:
        return None
    rules = [_cron_rule(each) for each in items]
    if any(each is None for each in rules):
        return None
    return _schedule([each for each in rules if each is not None])


def _cron_rule(item: Any) -> dict[str, Any] | None:
    """Return the rule of a Schedule Trigger for one time of a Cron node; None for a strange one."""
    if not isinstance(item, dict):
        return None
    mode = item.get("mode", "everyDay")
    if mode == "custom":
        expression = str(item.get("cronExpression", "")).strip()
        is_plain = bool(expression) and not expression.startswith("=")
        return {"field": "cronExpression", "expression": expression} if is_plain else None
    if mode == "everyMinute":
        return {"field": "minutes", "minutesInterval": 1}
    if mode == "everyX":
        return _every(item)
    return _at_time(mode, item)


def _every(item: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the rule for a Cron time that comes every so many minutes or hours."""
    value, unit = item.get("value", 2), item.get("unit", "hours")
    limits = {"minutes": MAX_MINUTE, "hours": MAX_HOUR}
    if unit not in limits or not _is_within(value, 1, limits[unit]):
        return None
    return {"field": unit, f"{unit}Interval": value}


def _at_time(mode: str, item: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the rule for a Cron time that comes every hour, day, week or month."""
    hour, minute = item.get("hour", 14), item.get("minute", 0)
    if not _is_within(hour, 0, MAX_HOUR) or not _is_within(minute, 0, MAX_MINUTE):
        return None
    day, weekday = item.get("dayOfMonth", 1), str(item.get("weekday", "1"))
    expressions = {
        "everyHour": f"{minute} * * * *",
        "everyDay": f"{minute} {hour} * * *",
        "everyWeek": f"{minute} {hour} * * {weekday}" if weekday in WEEKDAYS else "",
        "everyMonth": f"{minute} {hour} {day} * *" if _is_within(day, 1, MAX_DAY) else "",
    }
    expression = expressions.get(mode)
    return {"field": "cronExpression", "expression": expression} if expression else None


def _is_within(value: Any, low: int, high: int) -> bool:
    """Return whether a value is a whole number between two others."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


_REPLACEMENTS: Mapping[str, Callable[[Subject, Node], NodeReplacement | None]] = {
    "n8n-nodes-base.start": _start,
    "n8n-nodes-base.function": _function,
    "n8n-nodes-base.itemLists": _item_lists,
    "n8n-nodes-base.interval": _interval,
    "n8n-nodes-base.cron": _cron,
}
