"""An n8n in memory that answers as the public API of a real one does, as far as we use it.

It executes what harnesses consist of: pinned data, nodes that pass on, and Set with fixed values.
"""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import httpx

KEY = "n8n_api_k3y"
URL = "http://n8n.example:5678"
REQUIRED = ("name", "nodes", "connections", "settings")
ALLOWED = {*REQUIRED, "pinData", "staticData", "nodeGroups", "description"}
NODE_KEYS = {
    *("id", "name", "webhookId", "disabled", "notesInFlow", "notes", "type", "typeVersion"),
    *("executeOnce", "alwaysOutputData", "retryOnFail", "maxTries", "waitBetweenTries"),
    *("continueOnFail", "onError", "position", "parameters", "credentials"),
}
SETTINGS = {
    *("saveExecutionProgress", "saveManualExecutions", "saveDataErrorExecution", "binaryMode"),
    *("saveDataSuccessExecution", "executionTimeout", "errorWorkflow", "timezone"),
    *("executionOrder", "callerPolicy", "callerIds", "timeSavedPerExecution", "availableInMCP"),
}
RETURNED = re.compile(r"return (\[.*\]);", re.DOTALL)


@dataclass
class FakeN8n:
    """`first` are answers given before it behaves; `unknown` are types that it does not have.

    A version's webhooks are there only once `late` more calls of webhooks were in vain.
    """

    asked: list[httpx.Request] = field(default_factory=list)
    workflows: dict[str, dict[str, Any]] = field(default_factory=dict)
    versions: dict[str, dict[str, Any]] = field(default_factory=dict)
    executions: list[dict[str, Any]] = field(default_factory=list)
    first: list[httpx.Response | Exception] = field(default_factory=list)
    unknown: set[str] = field(default_factory=set)
    late: int = 0
    now: datetime = datetime(2026, 11, 28, tzinfo=UTC)
    counter: int = 0

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(lambda request: self.answer(request))  # noqa: PLW0108 - a test replaces it

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        if self.first:
            said = self.first.pop(0)
            if isinstance(said, Exception):
                raise said
            return said
        path = request.url.path
        if path.startswith("/webhook/"):
            return self._webhook(path.removeprefix("/webhook/"))
        if request.headers.get("x-n8n-api-key") != KEY:
            return refused(401, "unauthorized")
        kind, *parts = path.removeprefix("/api/v1/").split("/")
        if kind == "executions":
            return self._list_executions(request)
        if not parts:
            return self._create(request) if request.method == "POST" else self._list(request)
        return self._about(parts[0], parts[1:], request)

    def _about(self, identity: str, rest: list[str], request: httpx.Request) -> httpx.Response:
        flow = self.workflows.get(identity)
        if flow is None:
            return refused(404, "Not Found")
        if rest == ["unpublish"]:
            flow["activeVersionId"] = None
            return httpx.Response(200, json=flow)
        if rest == ["publish"]:
            return self._publish(flow, json.loads(request.content)["versionId"])
        return getattr(self, f"_{request.method.lower()}")(flow, request)

    def add(self, name: str, content: dict[str, Any], **more: Any) -> dict[str, Any]:
        """Put a workflow into it, as a person would have."""
        self.counter += 1
        flow = {"id": f"flow{self.counter}", "activeVersionId": None, **more}
        flow["createdAt"] = more.get("createdAt", self.now.isoformat())
        self.workflows[flow["id"]] = flow
        return self._save(flow, {"name": name, **content})

    def _save(self, flow: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        self.counter += 1
        settings = {**flow.get("settings", {}), **body.get("settings", {})}
        # What is not sent stays, and only nodes and connections make a version.
        flow |= {**body, "settings": settings, "versionId": f"version{self.counter}"}
        self.versions[flow["versionId"]] = json.loads(json.dumps(body))
        return flow

    def _create(self, request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        return invalid(body) or httpx.Response(200, json=self.add(body.pop("name"), body))

    def _list(self, request: httpx.Request) -> httpx.Response:
        name = parse_qs(request.url.query.decode()).get("name", [""])[0]
        found = [each for each in self.workflows.values() if name in each["name"]]
        return httpx.Response(200, json={"data": found, "nextCursor": None})

    def _get(self, flow: dict[str, Any], _: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=flow)

    def _put(self, flow: dict[str, Any], request: httpx.Request) -> httpx.Response:
        body = json.loads(request.content)
        if wrong := invalid(body):
            return wrong
        self._save(flow, body)
        if flow["activeVersionId"] and request.url.params.get("publishIfActive") != "false":
            flow["activeVersionId"] = flow["versionId"]
        return httpx.Response(200, json=flow)

    def _delete(self, flow: dict[str, Any], _: httpx.Request) -> httpx.Response:
        if flow["activeVersionId"]:
            return refused(409, "Cannot delete a published workflow. Unpublish it first.")
        self.executions = [e for e in self.executions if e["workflowId"] != flow["id"]]
        return httpx.Response(200, json=self.workflows.pop(flow["id"]))

    def _publish(self, flow: dict[str, Any], version: str) -> httpx.Response:
        if version not in self.versions:
            return refused(404, "Version not found")
        if {each["type"] for each in self.versions[version]["nodes"]} & self.unknown:
            return refused(400, "Unrecognized node type")
        flow["activeVersionId"] = version
        return httpx.Response(200, json=flow)

    def _list_executions(self, request: httpx.Request) -> httpx.Response:
        wanted = request.url.params.get("workflowId")
        found = [each for each in reversed(self.executions) if each["workflowId"] == wanted]
        return httpx.Response(200, json={"data": found, "nextCursor": None})

    def _webhook(self, path: str) -> httpx.Response:
        for flow in self.workflows.values():
            version = self.versions.get(flow["activeVersionId"] or "", {"nodes": []})
            for node in version["nodes"]:
                if node["type"].endswith(".webhook") and node["parameters"]["path"] == path:
                    if self.late:
                        self.late -= 1
                        break
                    self.counter += 1
                    runs = execute(version, node["name"])
                    data = {"resultData": {"runData": runs}}
                    row = {"id": self.counter, "workflowId": flow["id"], "status": "success"}
                    self.executions.append({**row, "data": data})
                    return httpx.Response(200, json={"message": "Workflow was started"})
        return refused(404, "The requested webhook is not registered.")


def execute(version: dict[str, Any], start: str) -> dict[str, Any]:
    """What each node returns, from a start on; every node has one output."""
    nodes = {each["name"]: each for each in version["nodes"]}
    runs: dict[str, Any] = {}
    waiting = [(start, [{"json": {"body": {}}}])]
    while waiting:
        name, items = waiting.pop(0)
        found = returned(nodes[name], items)
        runs.setdefault(name, []).append({"data": {"main": [found]}, "startTime": len(runs)})
        outputs = version["connections"].get(name, {}).get("main", [])
        waiting += [(end["node"], found) for end in outputs[0]] if found and outputs else []
    return runs


def returned(node: dict[str, Any], items: list[Any]) -> list[Any]:
    parameters = node["parameters"]
    if node["type"].endswith(".code") and (match := RETURNED.search(parameters["jsCode"])):
        return json.loads(match.group(1))
    if node["type"].endswith(".set"):
        pairs = parameters.get("assignments", {}).get("assignments", [])
        return [{"json": {each["name"]: each["value"] for each in pairs}} for _ in items]
    return items


def invalid(body: dict[str, Any]) -> httpx.Response | None:
    for key in REQUIRED:
        if key not in body:
            return refused(400, f"request/body must have required property '{key}'")
    settings, nodes = body["settings"].keys(), [key for each in body["nodes"] for key in each]
    if body.keys() - ALLOWED or settings - SETTINGS or set(nodes) - NODE_KEYS:
        return refused(400, "request/body must NOT have additional properties")
    return None


def refused(status: int, message: str) -> httpx.Response:
    return httpx.Response(status, json={"message": message})
