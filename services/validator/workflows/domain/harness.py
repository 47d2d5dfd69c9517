"""Makes of a workflow one that runs in n8n without any effect outside of it.

Every trigger is started by a webhook of ours and returns its pinned data. Nodes with pinned data
return that. Nodes that only compute run as they are. All others take their input and return
nothing, so that what follows them does not run.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.detectors.n8n.workflow import MAIN, Node, Workflow

BASE = "n8n-nodes-base."
Item = Mapping[str, Any]
Pins = Mapping[str, Sequence[Item]]

# Types that compute their output from their input and their parameters alone.
COMPUTING = frozenset(
    {
        *("set", "if", "switch", "filter", "merge", "sort", "limit", "itemLists", "splitOut"),
        *("aggregate", "summarize", "splitInBatches", "noOp", "renameKeys", "dateTime", "code"),
        *("function", "functionItem", "html", "htmlExtract", "markdown", "xml", "stopAndError"),
        *("compareDatasets", "crypto", "moveBinaryData", "convertToFile", "extractFromFile"),
    }
)
# Types that pass their input on, once they have waited or answered somebody.
PASSING = frozenset({"wait", "respondToWebhook"})
# Triggers that return one empty item, or one with nothing but the time.
EMPTY_TRIGGERS = frozenset({"manualTrigger", "scheduleTrigger", "cron", "interval", "start"})
# Code that may reach something outside of the execution.
REACHES_OUT = re.compile(
    r"\b(?:helpers|XMLHttpRequest|WebSocket|globalThis|constructor|getWorkflowStaticData"
    r"|import|__import__)\b|\bprocess\.|\b(?:fetch|require|eval|Function|open|exec)\s*\("
)
CODE_PARAMETERS = ("jsCode", "functionCode", "pythonCode")
# What the public API takes of a node; credentials are left out, as nothing may use them.
NODE_KEYS = frozenset(
    {
        *("id", "name", "disabled", "type", "typeVersion", "position", "parameters", "onError"),
        *("executeOnce", "alwaysOutputData", "continueOnFail"),
    }
)
KEPT_SETTINGS = ("executionOrder", "timezone")
MAX_EXECUTION_SECONDS = 60
MAX_PINNED_CHARACTERS = 1_000_000


class NotRunnable(ValueError):
    """A workflow cannot be run with pinned data, for this reason."""


@dataclass(frozen=True)
class Harness:
    """A workflow to run in place of another one.

    `starts` has the path of the webhook that starts each trigger, by the trigger's name. `genuine`
    are the nodes that run as they are, and `not_run` those that take their input only.
    """

    content: Mapping[str, Any]
    starts: Mapping[str, str]
    genuine: frozenset[str] = frozenset()
    not_run: frozenset[str] = frozenset()


@dataclass
class _Parts:
    """The nodes of a harness so far."""

    nodes: list[dict[str, Any]] = field(default_factory=list)
    genuine: set[str] = field(default_factory=set)
    not_run: set[str] = field(default_factory=set)
    starts: dict[str, str] = field(default_factory=dict)


def build_harness(flow: Workflow, pins: Pins, token: str) -> Harness:
    """Return the harness of a workflow; `token` is secret, and makes the webhooks' paths.

    Raises `NotRunnable`.
    """
    if sum(len(json.dumps(each)) for each in pins.values()) > MAX_PINNED_CHARACTERS:
        raise NotRunnable("its pinned data is too large")
    parts = _Parts()
    for node in _main_nodes(flow):
        if node.is_trigger:
            _add_trigger(parts, node, pins, token)
        else:
            _add_node(parts, node, pins)
    if not parts.starts:
        raise NotRunnable("no trigger of it has pinned data")
    content = {
        "nodes": [*parts.nodes, *_webhooks(parts.starts)],
        "connections": _connections(flow, parts),
        "settings": _settings(flow),
    }
    return Harness(content, parts.starts, frozenset(parts.genuine), frozenset(parts.not_run))


def as_imported(flow: Workflow) -> Mapping[str, Any]:
    """Return a workflow as it is imported to see if n8n takes it: without credentials and pins."""
    data = flow.json.data
    return {
        "nodes": [{k: v for k, v in each.items() if k != "credentials"} for each in data["nodes"]],
        "connections": data["connections"],
        "settings": data.get("settings") or {},
    }


def pins_of(flow: Workflow) -> Pins:
    """Return the pinned data in a workflow, as far as it is written as it should be."""
    return read_pins(flow.json.data.get("pinData"))


def read_pins(data: Any) -> Pins:
    """Return pinned data of unknown form: the items by the name of their node."""
    found = data if isinstance(data, dict) else {}
    return {name: _items(items) for name, items in found.items() if isinstance(items, list)}


def _items(items: Sequence[Any]) -> list[Item]:
    """Return the items in the form that nodes return; older files have their fields alone."""
    objects = [each for each in items if isinstance(each, dict)]
    return [
        {key: each[key] for key in ("json", "binary") if key in each}
        if isinstance(each.get("json"), dict)
        else {"json": each}
        for each in objects
    ]


def _main_nodes(flow: Workflow) -> Iterator[Node]:
    """Yield the nodes of a workflow that items go through; parts of other nodes are left out."""
    parts = {each.source for each in flow.connections if each.kind != MAIN}
    return (each for each in flow.nodes if each.name not in parts)


def _add_trigger(parts: _Parts, node: Node, pins: Pins, token: str) -> None:
    """Add a trigger that is enabled and whose output is known."""
    known = node.name in pins or node.short_type in EMPTY_TRIGGERS
    if known and not node.disabled:
        parts.starts[node.name] = f"groundswell-{token}-{len(parts.starts)}"
        parts.nodes.append(_pinned(node, pins.get(node.name, [{"json": {}}])))


def _add_node(parts: _Parts, node: Node, pins: Pins) -> None:
    """Add a node that only computes as it is, one with pinned data or effects as a stand-in."""
    if node.disabled or _is_passing(node):
        parts.nodes.append(_stand_in(node))
    elif node.name in pins:
        parts.nodes.append(_pinned(node, pins[node.name]))
    elif _only_computes(node):
        parts.nodes.append(_plain(node))
        parts.genuine.add(node.name)
    else:
        parts.nodes.append(_stand_in(node))
        parts.not_run.add(node.name)


def _is_passing(node: Node) -> bool:
    """Return whether a node passes its input on."""
    return node.type in {BASE + each for each in PASSING}


def _only_computes(node: Node) -> bool:
    """Return whether a node reaches nothing outside of the execution."""
    if node.type not in {BASE + each for each in COMPUTING} or node.setting("credentials"):
        return False
    code = " ".join(str(node.parameter(each) or "") for each in CODE_PARAMETERS)
    return not REACHES_OUT.search(code)


def _plain(node: Node) -> dict[str, Any]:
    """Return a node with the keys that the public API takes."""
    found = {key: value for key, value in node.json.data.items() if key in NODE_KEYS}
    return {"position": [0, 0], "parameters": {}, "typeVersion": 1, **_without_null(found)}


def _without_null(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that are set."""
    return {key: value for key, value in values.items() if value is not None}


def _replaced(node: Node, kind: str, version: float, **parameters: Any) -> dict[str, Any]:
    """Return a node of another type in the place of one."""
    kept = {key: node.json.data[key] for key in ("id", "position") if node.json.data.get(key)}
    return {
        "position": [0, 0],
        **kept,
        "name": node.name,
        "type": BASE + kind,
        "typeVersion": version,
        "parameters": parameters,
    }


def _stand_in(node: Node) -> dict[str, Any]:
    """Return a node that passes its input on, under the name of another one."""
    return _replaced(node, "noOp", 1)


def _pinned(node: Node, items: Sequence[Item]) -> dict[str, Any]:
    """Return a node that returns these items whatever it gets, under the name of another one."""
    returned = [{**each, "pairedItem": {"item": 0}} for each in items]
    return _replaced(node, "code", 2, jsCode=f"return {json.dumps(returned)};")


def _webhooks(starts: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the webhooks that start the triggers."""
    for path in starts.values():
        yield {
            "id": path,
            "name": path,
            "type": f"{BASE}webhook",
            "typeVersion": 2,
            "position": [0, 0],
            "webhookId": path,
            "parameters": {"httpMethod": "POST", "path": path, "responseMode": "onReceived"},
        }


def _connections(flow: Workflow, parts: _Parts) -> dict[str, Any]:
    """Return the connections between the nodes of a harness; nodes that do not run have none."""
    known = {each["name"] for each in parts.nodes}
    found: dict[str, Any] = {
        path: {MAIN: [[{"node": trigger, "type": MAIN, "index": 0}]]}
        for trigger, path in parts.starts.items()
    }
    for each in flow.connections:
        ends = (each.source, each.target)
        if each.kind != MAIN or not known.issuperset(ends) or each.source in parts.not_run:
            continue
        outputs = found.setdefault(each.source, {MAIN: []})[MAIN]
        outputs.extend([] for _ in range(each.output + 1 - len(outputs)))
        outputs[each.output].append({"node": each.target, "type": MAIN, "index": each.input})
    return found


def _settings(flow: Workflow) -> dict[str, Any]:
    """Return settings under which everything is stored and nobody else is told or may call."""
    kept = {key: flow.setting(key) for key in KEPT_SETTINGS}
    return {
        **{key: value for key, value in kept.items() if isinstance(value, str)},
        "saveDataSuccessExecution": "all",
        "saveDataErrorExecution": "all",
        "executionTimeout": MAX_EXECUTION_SECONDS,
        "callerPolicy": "none",
    }
