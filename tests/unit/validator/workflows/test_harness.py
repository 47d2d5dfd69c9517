"""What runs in place of a workflow, and what does not."""

import json

import pytest

from services.validator.workflows.domain.harness import (
    NotRunnable,
    as_imported,
    build_harness,
    pins_of,
)
from shared.detectors.n8n.workflow import read_workflows
from tests.support.workflows import START, fields, flow, node

SEND = node("Send", "slack", credentials={"slackApi": {"id": "1", "name": "x"}})
SUM = node("Sum", "set", 3.4, parameters=fields(total="1"))


def harness(*nodes, token="t", **more):
    [found] = read_workflows(flow(*nodes, **more))
    return build_harness(found, pins_of(found), token)


def types(found):
    return {each["name"]: each["type"].rpartition(".")[2] for each in found.content["nodes"]}


def test_a_webhook_of_ours_starts_the_trigger_and_nodes_that_compute_run():
    found = harness(START, SUM)
    path = found.starts["Start"]
    assert types(found) == {"Start": "code", "Sum": "set", path: "webhook"}
    assert found.content["connections"][path]["main"][0][0]["node"] == "Start"
    assert found.content["connections"]["Start"]["main"] == [
        [{"node": "Sum", "type": "main", "index": 0}]
    ]


def test_paths_of_webhooks_hold_the_secret_token():
    assert all("s3cret" in each for each in harness(START, SUM, token="s3cret").starts.values())


@pytest.mark.parametrize(
    "outside",
    [
        SEND,
        node("Send", "httpRequest", 4.2, parameters={"url": "https://x.example"}),
        node("Send", "executeWorkflow"),
        node("Send", "set", 3.4, credentials={"a": {"id": "1"}}),
        node("Send", "code", 2, parameters={"jsCode": "await this.helpers.httpRequest({})"}),
        node("Send", "code", 2, parameters={"jsCode": "return await fetch('https://x.example')"}),
        node("Send", "code", 2, parameters={"pythonCode": "import requests"}),
        {**node("Send", ""), "type": "n8n-nodes-community.anything"},
    ],
    ids=lambda each: each["type"] + str(each["parameters"])[:30],
)
def test_what_reaches_outside_takes_its_input_and_is_not_run(outside):
    found = harness(START, SUM, outside, node("After", "noOp"))
    assert types(found)["Send"] == "noOp"
    assert found.not_run == {"Send"}
    assert "Send" not in found.content["connections"]
    assert "credentials" not in json.dumps(found.content)


def test_code_that_only_computes_runs():
    code = "return items.filter(i => i.json.status === 'open' && i.json.process)"
    found = harness(START, node("Keep", "code", 2, parameters={"jsCode": code}))
    assert found.not_run == frozenset()
    assert code in json.dumps(found.content, ensure_ascii=False)


def test_pinned_data_takes_the_place_of_a_node():
    items = [{"json": {"a": "</script>\u2028"}, "other": 1}, {"old": 2}]
    found = harness(START, SEND, SUM, pins={"Send": items})
    [pinned] = [each for each in found.content["nodes"] if each["name"] == "Send"]
    returned = json.loads(pinned["parameters"]["jsCode"][len("return ") : -1])
    assert [each["json"] for each in returned] == [items[0]["json"], {"old": 2}]
    assert found.not_run == frozenset()


def test_what_waits_or_answers_passes_its_input_on():
    found = harness(START, node("Wait", "wait"), node("Answer", "respondToWebhook"), SUM)
    assert types(found)["Wait"] == types(found)["Answer"] == "noOp"
    assert found.content["connections"]["Answer"]["main"][0][0]["node"] == "Sum"


def test_each_trigger_with_known_data_has_a_webhook_of_its_own():
    hook = node("Hook", "webhook", 2)
    found = harness(hook, START, SUM, lines=[("Hook", "Sum"), ("Start", "Sum")])
    assert set(found.starts) == {"Start"}
    found = harness(
        hook, START, SUM, lines=[("Hook", "Sum"), ("Start", "Sum")], pins={"Hook": [{"a": 1}]}
    )
    assert set(found.starts) == {"Hook", "Start"}
    assert len(set(found.starts.values())) == 2


def test_without_data_for_a_trigger_nothing_runs():
    with pytest.raises(NotRunnable, match="no trigger"):
        harness(node("Hook", "webhook", 2), SUM)
    with pytest.raises(NotRunnable, match="no trigger"):
        harness({**START, "disabled": True}, SUM)
    with pytest.raises(NotRunnable, match="too large"):
        harness(START, SUM, pins={"Sum": [{"json": {"a": "x" * 1_100_000}}]})


def test_nobody_else_is_told_or_may_call():
    settings = {"errorWorkflow": "abc", "callerPolicy": "any", "timezone": "Europe/Rome"}
    found = harness(START, SUM, settings=settings).content["settings"]
    assert "errorWorkflow" not in found
    assert found["callerPolicy"] == "none"
    assert found["timezone"] == "Europe/Rome"
    assert found["saveDataSuccessExecution"] == "all"


def test_what_is_imported_as_it_is_has_no_credentials_and_no_pinned_data():
    [read] = read_workflows(flow(START, SEND, pins={"Send": [{"json": {"a": "mail@x.example"}}]}))
    content = as_imported(read)
    assert [each["type"].rpartition(".")[2] for each in content["nodes"]] == [
        "manualTrigger",
        "slack",
    ]
    assert "credentials" not in json.dumps(content)
    assert "mail@x.example" not in json.dumps(content)
