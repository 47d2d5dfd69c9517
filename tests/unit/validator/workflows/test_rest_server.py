"""What the client of n8n's API withstands, and where the key goes."""

import httpx
import pytest

from services.validator.workflows.adapters import rest
from services.validator.workflows.adapters.rest import RestWorkflowServer
from shared.kernel.errors import Rejected, Transient
from tests.support.n8n import KEY, URL, FakeN8n
from tests.unit.validator.workflows.test_server_port import a_harness


@pytest.fixture
def fake():
    return FakeN8n()


@pytest.fixture
def server(fake):
    return RestWorkflowServer(URL, KEY, transport=fake.transport)


@pytest.mark.parametrize(
    "answer",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.Response(503, json={"message": "starting"}),
        httpx.Response(429, json={}),
        httpx.Response(200, content=b"<html>proxy</html>"),
        httpx.Response(200, content=b"[" * 5000 + b"]" * 5000),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"id": 5}),
    ],
    ids=str,
)
async def test_no_answer_that_can_be_used_is_for_later(fake, server, answer):
    fake.first = [answer]
    with pytest.raises(Transient, match="n8n"):
        await server.get("abc")


async def test_an_answer_without_end_is_cut_off(fake, server, monkeypatch):
    monkeypatch.setattr(rest, "MAX_ANSWER_BYTES", 1000)
    fake.first = [httpx.Response(200, content=b'{"id": "' + b"x" * 2000 + b'"}')]
    with pytest.raises(Transient, match="too much"):
        await server.get("abc")


async def test_an_execution_that_does_not_end_is_not_waited_for(fake, server, monkeypatch):
    monkeypatch.setattr(rest, "EXECUTION_TIMEOUT_SECONDS", 0.1)
    monkeypatch.setattr(FakeN8n, "_list_executions", lambda *_: page([]))
    harness = a_harness()
    made = await server.create("x", harness.content)
    await server.publish(made.id, made.version)
    with pytest.raises(Transient, match="in time"):
        await server.run(made.id, harness.starts["Start"])


def page(rows):
    return httpx.Response(200, json={"data": rows, "nextCursor": None})


async def test_a_redirect_is_not_followed(fake, server):
    fake.first = [httpx.Response(302, headers={"location": "http://elsewhere.example/"})]
    with pytest.raises(Rejected):
        await server.get("abc")
    assert {each.url.host for each in fake.asked} == {"n8n.example"}


async def test_the_key_goes_to_the_public_api_only_and_is_never_quoted(fake, server):
    harness = a_harness()
    made = await server.create("x", harness.content)
    await server.publish(made.id, made.version)
    await server.run(made.id, harness.starts["Start"])
    with_key = [each.url.path for each in fake.asked if KEY in str(each.headers.raw)]
    assert all(each.startswith("/api/v1/") for each in with_key)
    [webhook] = [each for each in fake.asked if each.url.path.startswith("/webhook/")]
    assert KEY not in str(webhook.headers.raw) + str(webhook.url)
    fake.first = [httpx.Response(400, json={"message": f"bad {KEY}\nkey"})]
    with pytest.raises(Rejected, match=r"bad \(key\) key") as caught:
        await server.get("abc")
    assert KEY not in repr(caught.value) + repr(server)


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("", KEY),
        ("n8n.example", KEY),
        ("ftp://n8n.example", KEY),
        ("http://me:secret@n8n.example", KEY),
        (URL, ""),
        (URL, "k\ney"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused_without_their_values(url, key):
    with pytest.raises(Rejected) as caught:
        RestWorkflowServer(url, key)
    assert "secret" not in str(caught.value)
    assert "k\ney" not in str(caught.value)


async def test_pages_are_followed_up_to_a_limit(fake, server, monkeypatch):
    monkeypatch.setattr(rest, "MAX_PAGES", 3)
    row = {"id": "a", "versionId": "v", "name": "scratch 1"}
    body = {"data": [row, {**row, "name": "other"}], "nextCursor": "more"}
    fake.first = [httpx.Response(200, json=body) for _ in range(5)]
    assert [each.name for each in await server.named("scratch")] == ["scratch 1"] * 3
    assert len(fake.asked) == 3


async def test_a_webhook_that_is_not_there_yet_is_called_again(fake, server, monkeypatch):
    monkeypatch.setattr(rest, "PUBLICATION_WAITS_SECONDS", (0, 0))
    harness = a_harness()
    made = await server.create("x", harness.content)
    await server.publish(made.id, made.version)
    fake.late = 2
    assert (await server.run(made.id, harness.starts["Start"])).status == "success"
    fake.late = 3
    with pytest.raises(Transient, match="does not start a webhook"):
        await server.run(made.id, harness.starts["Start"])


async def test_a_workflow_that_is_still_being_unpublished_is_deleted_later(
    fake, server, monkeypatch
):
    monkeypatch.setattr(rest, "PUBLICATION_WAITS_SECONDS", (0, 0))
    made = await server.create("x", a_harness().content)
    await server.publish(made.id, made.version)
    later = {"message": "Workflow is still being unpublished. Please try again in a few moments."}
    answer, left = fake.answer, [1, 2]

    def busy(request):
        if request.method == "DELETE" and left:
            left.pop()
            return httpx.Response(409, json=later)
        return answer(request)

    fake.answer = busy
    await server.delete(made.id)
    assert fake.workflows == {}
