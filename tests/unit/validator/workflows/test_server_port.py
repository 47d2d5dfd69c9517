"""The port to n8n: what a fake of its public API does, a real one does as well.

The tests against a real one are skipped where the environment names none for tests.
"""

import os
import secrets

import pytest

from services.validator.workflows.adapters.rest import RestWorkflowServer
from services.validator.workflows.domain.harness import as_imported, build_harness, pins_of
from services.validator.workflows.ports import KEY_REFUSED, REFUSED
from shared.detectors.n8n.workflow import read_workflows
from shared.kernel.errors import Rejected
from tests.support.n8n import KEY, URL, FakeN8n
from tests.support.workflows import START, fields, flow, node

NAMES = ("GROUNDSWELL_TEST_N8N_URL", "GROUNDSWELL_TEST_N8N_API_KEY")
PREFIX = "groundswell test "


def real_server(key=None):
    url, known = (os.environ.get(each, "") for each in NAMES)
    if not url or not known:
        pytest.skip(f"no n8n to test against: set {' and '.join(NAMES)}")
    return RestWorkflowServer(url, key or known)


def fake_server(key=KEY):
    return RestWorkflowServer(URL, key, transport=FakeN8n().transport)


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.n8n)])
def make(request):
    return fake_server if request.param == "fake" else real_server


@pytest.fixture
async def server(make):
    found = make()
    yield found
    for each in await found.named(PREFIX):
        await found.delete(each.id)


def read(*nodes, **more):
    [found] = read_workflows(flow(*nodes, **more))
    return found


def a_harness(value="1", token="t", **more):
    total = node("Sum", "set", 3.4, parameters=fields(total=value))
    found = read(START, total, pins={"Start": [{"json": {"a": 1}}]}, **more)
    return build_harness(found, pins_of(found), token)


def name():
    return PREFIX + secrets.token_hex(8)


async def test_a_workflow_is_created_found_and_deleted(server):
    content = as_imported(read(START, node("Sum", "set", 3.4, parameters=fields(total="1"))))
    made = await server.create(name(), content)
    assert not made.published
    found = await server.get(made.id)
    assert found is not None
    assert (found.id, found.name, found.version) == (made.id, made.name, made.version)
    assert [each["name"] for each in found.content["nodes"]] == ["Start", "Sum"]
    assert found.content["connections"] == content["connections"]
    assert [each.id for each in await server.named(made.name)] == [made.id]
    assert made.created_at is not None
    await server.delete(made.id)
    await server.delete(made.id)
    assert await server.get(made.id) is None
    assert not await server.named(made.name)


async def test_a_draft_leaves_what_is_published(server):
    made = await server.create(name(), a_harness().content)
    first = await server.publish(made.id, made.version)
    assert first.published == made.version
    draft = await server.save_draft(made.id, made.name, a_harness("2").content)
    assert draft.version != made.version
    assert draft.published == made.version
    assert (await server.publish(made.id, draft.version)).published == draft.version
    assert (await server.publish(made.id, made.version)).published == made.version


async def test_a_published_version_runs_and_its_nodes_are_recorded(server):
    token = secrets.token_hex(16)
    harness = a_harness("7", token)
    made = await server.create(name(), harness.content)
    await server.publish(made.id, made.version)
    executions = [await server.run(made.id, harness.starts["Start"]) for _ in range(2)]
    assert executions[0].id != executions[1].id
    for each in executions:
        assert each.status == "success"
        [run] = each.runs["Sum"]
        assert [item["json"]["total"] for item in run["data"]["main"][0]] == ["7"]
        assert each.runs["Start"][0]["data"]["main"][0][0]["json"] == {"a": 1}


async def test_what_n8n_does_not_take_is_refused(server):
    with pytest.raises(Rejected) as caught:
        await server.create(name(), {**a_harness().content, "unheardOf": 1})
    assert caught.value.code == REFUSED
    made = await server.create(name(), a_harness().content)
    with pytest.raises(Rejected) as caught:
        await server.publish(made.id, "no-such-version")
    assert caught.value.code == REFUSED


async def test_ids_from_files_reach_no_other_address(server):
    made = await server.create(name(), a_harness().content)
    for each in (f"../workflows/{made.id}", f"{made.id}?x=1", f"{made.id}/publish", "x" * 300, ""):
        assert await server.get(each or "..") is None


async def test_a_wrong_key_is_refused_without_being_repeated(make):
    server = make("wr0ng-key-that-nobody-has")
    with pytest.raises(Rejected) as caught:
        await server.named("x")
    assert caught.value.code == KEY_REFUSED
    assert "wr0ng" not in str(caught.value)


async def test_settings_and_pinned_data_that_are_not_sent_stay(server):
    content = {**a_harness().content, "pinData": {"Sum": [{"json": {"a": 1}}]}}
    content["settings"] = {**content["settings"], "errorWorkflow": "", "timezone": "Europe/Rome"}
    made = await server.create(name(), content)
    sent = {**content, "settings": {"executionOrder": "v1"}}
    del sent["pinData"]
    kept = (await server.save_draft(made.id, made.name, sent)).content
    assert kept["settings"]["timezone"] == "Europe/Rome"
    assert list(kept["pinData"]) == ["Sum"]
    emptied = await server.save_draft(made.id, made.name, {**sent, "pinData": {}})
    assert emptied.content["pinData"] == {}
