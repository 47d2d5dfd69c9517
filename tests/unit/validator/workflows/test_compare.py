"""Two versions of a workflow, compared in an n8n."""

from datetime import timedelta

import httpx
import pytest

from services.validator.workflows.adapters import rest
from services.validator.workflows.adapters.rest import RestWorkflowServer
from services.validator.workflows.domain.pairs import differing_workflows
from services.validator.workflows.usecases.compare import SCRATCH_PREFIX, compare_workflow
from shared.kernel.errors import Transient
from tests.support import n8n
from tests.support.n8n import KEY, URL, FakeN8n
from tests.support.workflows import START, fields, flow, node

PINS = {"Start": [{"json": {"order": 1}}]}


def total(value, name="Sum", **more):
    return node(name, "set", 3.4, parameters=fields(total=value)) | more


OLD = flow(START, total("1"), node("End", "noOp"), pins=PINS)


@pytest.fixture
def fake():
    return FakeN8n()


async def compared(fake, old, new, fault=None):
    server = RestWorkflowServer(URL, KEY, transport=fake.transport)
    [pair] = differing_workflows("flows/orders.json", old, new)
    return await compare_workflow(server, pair, fake.now)


async def test_the_same_is_the_same_and_nothing_is_left_behind(fake):
    found = await compared(fake, OLD, flow(START, total("1", notes="x"), node("End", "noOp")))
    assert found.state == "same"
    assert found.summary == "3 nodes of 'Orders' return the same in n8n, with pinned data"
    assert fake.workflows == {}
    assert fake.executions == []
    assert not [each for each in fake.asked if b'"pinData"' in each.content]


async def test_the_node_that_returns_something_else_is_named(fake):
    found = await compared(fake, OLD, flow(START, total("2"), node("End", "noOp"), pins=PINS))
    assert found.state == "different"
    assert found.nodes == ("End", "Sum")
    assert found.summary == "with it 'End', 'Sum' of 'Orders' no longer returns the same"
    assert fake.workflows == {}


async def test_a_node_that_does_not_run_any_more_differs(fake):
    found = await compared(fake, OLD, flow(START, total("1"), node("End", "noOp"), lines=[]))
    assert found.state == "different"
    assert found.nodes == ("End", "Sum")


async def test_a_renamed_node_is_found_by_its_id(fake):
    renamed = total("1", name="Total") | {"id": "id-Sum"}
    assert (await compared(fake, OLD, flow(START, renamed, node("End", "noOp")))).state == "same"
    renamed = total("2", name="Total") | {"id": "id-Sum"}
    found = await compared(fake, OLD, flow(START, renamed, node("End", "noOp")))
    assert found.nodes == ("End", "Total")


async def test_pinned_data_that_the_change_removes_is_used_for_both(fake):
    hook = node("Hook", "webhook", 2)
    old = flow(hook, total("1"), pins={"Hook": [{"json": {"body": 1}}]})
    assert (await compared(fake, old, flow(hook, total("1")))).state == "same"


async def test_data_pinned_in_n8n_is_used_where_the_file_has_none(fake):
    hook = node("Hook", "webhook", 2)
    live = fake.add("Orders", {"nodes": [], "pinData": {"Hook": [{"json": {"body": 1}}]}})
    old = flow(hook, total("1"), identity=live["id"])
    assert (await compared(fake, old, flow(hook, total("2"), identity=live["id"]))).nodes == (
        "Sum",
    )
    assert list(fake.workflows) == [live["id"]]
    found = await compared(fake, flow(hook, total("1")), flow(hook, total("2")))
    assert found.state == "unmeasured"
    assert "no trigger of it has pinned data" in found.summary


async def test_what_reaches_outside_is_named_as_not_run(fake):
    send = node("Send", "slack", 2)
    found = await compared(
        fake, flow(START, total("1"), send), flow(START, total("1") | {"retryOnFail": True}, send)
    )
    assert found.state == "same"
    assert found.summary.endswith("; not run, as they reach outside: 'Send'")


OUTSIDE = node("Fetch", "httpRequest", 4)
RETRIED = {"retryOnFail": True}


@pytest.mark.parametrize(
    ("old", "new", "idle"),
    [
        (flow(START, OUTSIDE), flow(START, OUTSIDE | RETRIED), ("Fetch",)),
        (flow(START, OUTSIDE, total("1")), flow(START, OUTSIDE, total("2")), ("Sum",)),
        (
            flow(START, total("1"), pins={"Sum": [{"json": {}}]}),
            flow(START, total("2"), pins={"Sum": [{"json": {}}]}),
            ("Sum",),
        ),
        (
            flow(START, total("1"), OUTSIDE, node("End", "noOp")),
            flow(
                START,
                total("1"),
                OUTSIDE,
                node("End", "noOp"),
                lines=[("Start", "Sum"), ("Sum", "Fetch")],
            ),
            ("End",),
        ),
        (
            flow(START, total("1"), OUTSIDE, node("End", "noOp")),
            flow(START, total("1"), OUTSIDE, node("New", "noOp"), node("End", "noOp")),
            ("End", "New"),
        ),
        (flow(START, total("1")), flow(START | RETRIED, total("1")), ("Start",)),
    ],
    ids=["outside", "behind one", "pinned", "cut off behind one", "added behind one", "trigger"],
)
async def test_what_the_change_edits_has_to_run_for_anything_to_be_known(fake, old, new, idle):
    found = await compared(fake, old, new)
    assert (found.state, found.nodes) == ("unmeasured", idle)
    assert "did not run with pinned data" in found.summary


async def test_an_edit_of_settings_or_layout_needs_no_certain_node(fake):
    moved = flow(START, OUTSIDE | {"position": [5, 5]}, settings={"errorWorkflow": "a"})
    assert (await compared(fake, flow(START, OUTSIDE), moved)).state == "same"
    found = await compared(fake, flow(START), flow(START | {"position": [5, 5]}))
    assert (found.state, found.summary) == (
        "unmeasured",
        "'Orders': no node ran that could be compared",
    )


async def test_what_is_different_each_time_is_no_difference(fake, monkeypatch):
    counted = iter(range(100))
    execute = n8n.returned

    def random(it, items):
        return [{"json": {"n": next(counted)}}] if it["name"] == "Dice" else execute(it, items)

    monkeypatch.setattr(n8n, "returned", random)
    dice = node("Dice", "noOp")
    found = await compared(
        fake, flow(START, dice, total("1")), flow(START, dice, total("1", notes="x"))
    )
    assert found.state == "same"
    assert found.summary.endswith("; different each time: 'Dice'")


async def test_a_new_version_that_n8n_does_not_take_is_refused(fake):
    found = await compared(fake, OLD, flow(START, total("1", unheard=1), pins=PINS))
    assert found.state == "refused"
    assert "cannot be imported: n8n refuses it (400)" in found.summary
    assert fake.workflows == {}


async def test_where_n8n_takes_neither_as_it_is_they_are_compared_nevertheless(fake):
    broken = flow(START, total("1", unheard=1), pins=PINS)
    found = await compared(fake, broken, flow(START, total("2", unheard=1), pins=PINS))
    assert found.nodes == ("Sum",)


async def test_an_old_version_that_does_not_run_says_nothing(fake):
    fake.unknown = {"n8n-nodes-base.function"}
    gone = node("Sum", "function", parameters={"functionCode": "return items"})
    found = await compared(fake, flow(START, gone, pins=PINS), OLD)
    assert found.state == "unmeasured"
    assert "does not run before it" in found.summary
    found = await compared(fake, OLD, flow(START, gone, pins=PINS))
    assert found.state == "refused"
    assert fake.workflows == {}


async def test_a_new_workflow_has_nothing_to_be_compared_with(fake):
    assert (await compared(fake, None, OLD)).state == "unmeasured"
    assert fake.asked == []


async def test_the_scratch_workflow_is_deleted_even_if_n8n_fails_in_between(fake, monkeypatch):
    answer, failing = fake.answer, []

    def fail(request):
        if request.url.path.startswith("/webhook/"):
            failing.append(request)
            return httpx.Response(500)
        return answer(request)

    fake.answer = fail
    monkeypatch.setattr(rest, "PUBLICATION_WAITS_SECONDS", ())
    with pytest.raises(Transient):
        await compared(fake, OLD, flow(START, total("2"), pins=PINS))
    assert failing
    assert fake.workflows == {}


async def test_scratch_workflows_of_killed_processes_are_deleted_and_no_others(fake):
    long_ago = (fake.now - timedelta(hours=2)).isoformat()
    fake.add(f"{SCRATCH_PREFIX}dead", {}, createdAt=long_ago)
    fake.add(f"{SCRATCH_PREFIX}alive", {})
    fake.add(f"About {SCRATCH_PREFIX}", {}, createdAt=long_ago)
    await compared(fake, OLD, flow(START, total("2"), node("End", "noOp"), pins=PINS))
    assert {each["name"] for each in fake.workflows.values()} == {
        f"{SCRATCH_PREFIX}alive",
        f"About {SCRATCH_PREFIX}",
    }


async def test_the_two_versions_have_no_webhook_in_common(fake):
    await compared(fake, OLD, flow(START, total("2"), node("End", "noOp"), pins=PINS))
    called = [each.url.path for each in fake.asked if each.url.path.startswith("/webhook/")]
    assert len(called) == 3
    assert called[0] == called[1] != called[2]
    assert called[0].rpartition("-")[0] != called[2].rpartition("-")[0]
