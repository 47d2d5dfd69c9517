"""When a workflow in n8n is the same as one in a file, and what is sent to change it."""

import json
from collections.abc import Mapping
from typing import Any

from shared.detectors.n8n.workflow import Workflow

# What the public API takes of a workflow's settings (n8n 2.40); what else it returns, it refuses.
SETTINGS = frozenset(
    {
        *("saveExecutionProgress", "saveManualExecutions", "saveDataErrorExecution", "timezone"),
        *("saveDataSuccessExecution", "executionTimeout", "errorWorkflow", "executionOrder"),
        *("callerPolicy", "callerIds", "timeSavedMode", "timeSavedPerExecution"),
        *("redactionPolicy", "availableInMCP", "customTelemetryTags"),
    }
)
# What a node says without being asked to.
DEFAULTS: Mapping[str, Any] = {"parameters": {}, "typeVersion": 1, "disabled": False}


def content_of(flow: Workflow) -> dict[str, Any]:
    """Return what is sent of a workflow of a file, with what it pins if it says so."""
    data = flow.json.data
    pinned = data.get("pinData")
    return {
        "nodes": data["nodes"],
        "connections": data["connections"],
        "settings": _settings(data.get("settings")),
        **({"pinData": pinned} if isinstance(pinned, dict) else {}),
    }


def has_content(live: Mapping[str, Any], content: Mapping[str, Any]) -> bool:
    """Return whether a workflow in n8n has these nodes, connections and settings.

    n8n adds settings, so that it may have more of those.
    """
    has, wanted = (_settings(each.get("settings")) for each in (live, content))
    return _key(live) == _key(content) and all(has.get(k) == v for k, v in wanted.items())


def _key(content: Mapping[str, Any]) -> str:
    """Return nodes and connections as a text that is the same for the same ones."""
    nodes = [
        {k: v for k, v in {**DEFAULTS, **each}.items() if v is not None}
        for each in content.get("nodes", ())
    ]
    return json.dumps([nodes, content.get("connections", {})], sort_keys=True)


def _settings(settings: Any) -> dict[str, Any]:
    """Return those settings that n8n takes."""
    found = settings if isinstance(settings, dict) else {}
    return {key: value for key, value in found.items() if key in SETTINGS}
