"""Workflows as files have them, small enough to read."""

import json
from itertools import pairwise


def node(name, kind, version=1, **more):
    found = {"id": f"id-{name}", "name": name, "type": f"n8n-nodes-base.{kind}"}
    return found | {"typeVersion": version, "position": [0, 0], "parameters": {}} | more


def fields(**values):
    """Parameters of a Set node with these values."""
    pairs = [{"id": k, "name": k, "value": v, "type": "string"} for k, v in values.items()]
    return {"assignments": {"assignments": pairs}, "options": {}}


START = node("Start", "manualTrigger")


def flow(*nodes, pins=None, identity="", name="Orders", settings=None, lines=None):
    """The text of a file with one workflow whose nodes follow each other."""
    names = [each["name"] for each in nodes]
    links = lines if lines is not None else list(pairwise(names))
    connections = {}
    for source, target in links:
        ends = connections.setdefault(source, {"main": [[]]})["main"][0]
        ends.append({"node": target, "type": "main", "index": 0})
    found = {"id": identity} if identity else {}
    found |= {"name": name, "nodes": list(nodes), "connections": connections}
    found |= {"settings": settings or {"executionOrder": "v1"}, "pinData": pins or {}}
    return json.dumps(found, indent=2)
