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
# How n8n writes that nobody has set one of them.
UNSET: Mapping[str, Any] = {"errorWorkflow": "", "timezone": "DEFAULT", "executionTimeout": -1}
# What a node says without being asked to.
DEFAULTS: Mapping[str, Any] = {"parameters": {}, "typeVersion": 1, "disabled": False}


class NotSendable(ValueError):
    """A change of a workflow cannot be made through the public API, for this reason."""


def content_of(flow: Workflow, before: Workflow | None = None) -> dict[str, Any]:
    """Return what is sent of a workflow of a file, with what it pins if it says so.

    n8n keeps settings and pinned data that it is not sent. So a setting that `before` has and the
    workflow has not is sent as n8n writes that nobody has set it. Raises `NotSendable`.
    """
    data = flow.json.data
    pinned = data.get("pinData")
    settings = _settings(data.get("settings"))
    gone = _settings(before.json.data.get("settings")).keys() - settings.keys() if before else ()
    if unknown := sorted(set(gone) - UNSET.keys()):
        raise NotSendable(f"n8n's API cannot take the setting {unknown[0]!r} away")
    return {
        "nodes": data["nodes"],
        "connections": data["connections"],
        "settings": {**settings, **{key: UNSET[key] for key in gone}},
        **({"pinData": pinned} if isinstance(pinned, dict) else {}),
    }


def has_content(live: Mapping[str, Any], content: Mapping[str, Any]) -> bool:
    """Return whether a workflow in n8n has these nodes, connections and settings.

    n8n adds settings, so that it may have more of those; one that is unset may be missing.
    """
    has, wanted = (_settings(each.get("settings")) for each in (live, content))
    is_set = all(has.get(k, UNSET.get(k)) == v for k, v in wanted.items())
    return is_set and _key(live) == _key(content)


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
