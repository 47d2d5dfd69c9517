"""The API client joins pages, resumes event streams and waits for an API that is unavailable."""

import json

import httpx
import pytest

from cli import client as module
from cli.client import ApiClient
from shared.contracts.events import WaveFinished
from shared.kernel.errors import Conflict, GroundswellError, Transient
from shared.kernel.ids import uuid7

WAVE, TARGET = uuid7(), uuid7()


def a_client(handler):
    client = ApiClient("http://api", "key")
    transport = httpx.MockTransport(handler)
    client._client = httpx.AsyncClient(base_url="http://api", transport=transport)
    return client


def an_agent_item(number):
    moment = "2026-01-02T03:04:05Z"
    return {
        "id": f"01900000-0000-7000-8000-{number:012}",
        "name": f"agent {number}",
        "type": "security",
        "wave_id": f"01900000-0000-7000-8000-{number:012}",
        "focus": "m",
        "assignment": "5 findings",
        "state": "idle",
        "doing": "the gate has 1 change",
        "host": "h",
        "pid": 1,
        "active_since": None,
        "heartbeat_at": moment,
        "seconds": 1,
        "deployed_at": moment,
        "retired_at": None,
    }


async def test_a_list_is_read_page_by_page_up_to_its_limit():
    asked = []

    def answer(request):
        asked.append(dict(request.url.params))
        number = min(int(asked[-1]["limit"]), 2)
        items = [an_agent_item(len(asked) * 10 + n) for n in range(number)]
        return httpx.Response(200, json={"items": items, "next": items[-1]["id"]})

    found = await a_client(answer).agents(3, active=True)
    assert len(found) == 3
    assert [each.get("after") for each in asked] == [None, an_agent_item(11)["id"]]
    assert [each["limit"] for each in asked] == ["3", "1"]


async def test_an_api_that_comes_back_is_asked_again():
    tries = []

    def answer(request):
        tries.append(request)
        if len(tries) < 3:
            raise httpx.ConnectError("refused")
        return httpx.Response(
            200, json={"agents": {}, "waves": {}, "tasks": {}, "enhancements": {}}
        )

    assert (await a_client(answer).status()).waves == {}
    assert len(tries) == 3


async def test_an_api_that_stays_away_is_given_up(monkeypatch):
    monkeypatch.setattr(module, "RETRY_SECONDS", 0.2)

    def answer(request):
        raise httpx.ConnectError("refused")

    with pytest.raises(Transient, match="No API answers at http://api"):
        await a_client(answer).status()


async def test_a_problem_is_raised_as_the_error_it_was_made_of():
    problem = {"detail": "It is open.", "hint": "Wait.", "code": "wave_open", "status": 409}
    client = a_client(lambda request: httpx.Response(409, json=problem))
    with pytest.raises(Conflict, match=r"It is open\.") as raised:
        await client.status()
    assert (raised.value.code, raised.value.hint) == ("wave_open", "Wait.")


@pytest.mark.parametrize("body", [b"[" * 100_000, b"[]", b"<html>", b"\xff"])
async def test_a_body_that_is_no_problem_is_quoted(body):
    client = a_client(lambda request: httpx.Response(502, content=body))
    with pytest.raises(GroundswellError, match="The API answered 502"):
        await client.status()


def a_finished_wave(sequence):
    event = WaveFinished(wave_id=WAVE, target_id=TARGET, state="completed")
    data = {"type": "gs.evt.wave.finished", **event.model_dump(mode="json")}
    return f"id: {sequence}\nevent: wave.finished\ndata: {json.dumps(data)}\n\n"


async def test_events_resume_after_the_last_one_when_the_connection_breaks(monkeypatch):
    monkeypatch.setattr(module, "RECONNECT_PAUSE_SECONDS", 0)
    after = []

    def answer(request):
        after.append(request.url.params["after"])
        text = a_finished_wave(40 + len(after)) + ": ping\n\n"
        return httpx.Response(200, text=text, headers={"content-type": "text/event-stream"})

    events = a_client(answer).events(after=7)
    shown = [await anext(events) for _ in range(2)]
    assert [each.wave_id for each in shown] == [WAVE, WAVE]
    assert after == ["7", "41"]
    await events.aclose()
