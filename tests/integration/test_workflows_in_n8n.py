"""A change of an n8n workflow on its way through the gate, beside an n8n.

A small real target goes through the gate's own use cases; the n8n is the fake that passes the same
tests as a real one.
"""

import json
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest

from services.validator.workflows.adapters.rest import RestWorkflowServer
from shared.contracts.states import EnhancementState, ReleaseState
from tests.support.gates import CONFIG, Gate, gates
from tests.support.n8n import KEY, URL, FakeN8n
from tests.support.workflows import START, fields, flow, node

PATH = "flows/orders.json"


def text(total: str, **more: object) -> str:
    summed = node("Sum", "set", 3.4, parameters=fields(total=total)) | more
    return flow(START, summed, identity="flow1")


FILES = {PATH: text("1"), "tests/test_nothing.py": "def test_nothing():\n    pass\n"}


@pytest.fixture
def n8n() -> FakeN8n:
    found = FakeN8n()
    old = json.loads(text("1"))
    live = found.add("Orders", {key: old[key] for key in ("nodes", "connections", "settings")})
    live["activeVersionId"] = live["versionId"]
    return found


@pytest.fixture
def gate(n8n: FakeN8n) -> Iterator[Gate]:
    config = f'{CONFIG}\n[n8n]\napply = "publish"\n'
    for each in gates(config, files=FILES, unprotected="allow"):
        server = RestWorkflowServer(URL, KEY, transport=n8n.transport)
        each.deps = replace(each.deps, workflow_server=server)
        yield each


def test_what_n8n_shows_decides_and_what_lands_is_released_and_taken_back(gate, n8n):
    before = n8n.workflows["flow1"]["activeVersionId"]

    [changed] = gate.judge_all([{PATH: text("2")}])
    assert changed.state is EnhancementState.REJECTED
    assert changed.decision.reason == "n8n: with it 'Sum' of 'Orders' no longer returns the same"

    [asking] = gate.judge_all([{PATH: text("2")}], safe=False)
    assert asking.state is EnhancementState.NEEDS_APPROVAL
    assert asking.decision.approval_reason.startswith(
        "it does something else in n8n: with it 'Sum'"
    )
    assert asking.decision.workflows.nodes == ("Sum",)

    [landed] = gate.judge_all([{PATH: text("1", notes="By hand.")}])
    assert landed.state is EnhancementState.APPLIED, landed.decision
    assert (
        "2 nodes of 'Orders' return the same in n8n, with pinned data." in landed.decision.evidence
    )
    [release] = gate.runner.run(gate.deps.store.releases.find())
    assert (release.state, release.enhancement_id) == (ReleaseState.PUBLISHED, landed.id)
    assert n8n.workflows["flow1"]["activeVersionId"] == release.release != before
    assert n8n.workflows["flow1"]["nodes"][1]["notes"] == "By hand."

    assert gate.roll_back(landed).state is EnhancementState.ROLLED_BACK
    assert n8n.workflows["flow1"]["activeVersionId"] == before
    assert "notes" not in n8n.workflows["flow1"]["nodes"][1]

    def down(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    n8n.answer = down
    [waiting] = gate.judge_all([{PATH: text("1", notes="Again.")}])
    assert waiting.state is EnhancementState.NEEDS_APPROVAL
    assert waiting.decision.approval_reason == (
        "what it does in n8n was not measured: n8n does not answer: ConnectError"
    )
    assert list(n8n.workflows) == ["flow1"]
