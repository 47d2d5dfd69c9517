"""The bus is a door too; garbage on it becomes a dead letter, and the services go on."""

import asyncio
import json
from contextlib import asynccontextmanager

import httpx
import nats
import pytest

from shared.agent_types import agent_specs
from shared.kernel.ids import uuid7
from tests.support.repositories import a_repository

CODE = "import os\n\n\ndef one():\n    return 1\n"
TESTS = "import m\n\n\ndef test_one():\n    assert m.one() == 1\n"
GARBAGE = (
    "gs.cmd.wave.start",
    "gs.cmd.wave.stop",
    "gs.cmd.infinite.start",
    "gs.cmd.infinite.stop",
    "gs.cmd.enhancement.rollback",
    "gs.cmd.enhancement.decide",
    "gs.cmd.baseline.run",
    "gs.cmd.findings.measure",
    "gs.cmd.target.backtest",
    "gs.cmd.target.stop_backtest",
    "gs.task.normal.code_quality",
    "gs.task.low.code_quality",
    "gs.proposal.submitted",
    "gs.proposal.cleared",
    "gs.run.x",
    "gs.evt.findings.measured",
    "gs.evt.enhancement.applied",
)
RPC = (
    "gs.rpc.wave.start",
    "gs.rpc.wave.stop",
    "gs.rpc.wave.show",
    "gs.rpc.wave.list",
    "gs.rpc.agents.list",
    "gs.rpc.status",
    "gs.rpc.lease.acquire",
)
NOBODY = "01900000-0000-7000-8000-000000000000"


@asynccontextmanager
async def connected(up, user="operator"):
    client = await nats.connect(up.nats_url(user))
    try:
        yield client
    finally:
        await client.close()


async def dead_letters(client):
    info = await client.jetstream().stream_info("GS_DLQ")
    sequences = range(info.state.first_seq or 1, info.state.last_seq + 1)
    return [await client.jetstream().get_msg("GS_DLQ", each) for each in sequences]


async def new_letters(client, since, count):
    for _ in range(300):
        found = (await dead_letters(client))[since:]
        if len(found) >= count:
            return found
        await asyncio.sleep(0.1)
    pytest.fail(f"{len(found)} of {count} dead letters: {[each.headers for each in found]}")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"not json", "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"[1, 2]", ""),
        (b'{"version": 99}', ""),
        (b'{"target": 7, "wave_id": 7, "run_id": [], "enhancement_id": {}}', ""),
    ],
)
async def test_garbage_on_any_subject_becomes_a_dead_letter_with_its_reason(up, body, reason):
    async with connected(up) as client:
        since = len(await dead_letters(client))
        jetstream = client.jetstream()
        for subject in GARBAGE:
            await jetstream.publish(subject, body)
        found = await new_letters(client, since, len(GARBAGE))
        assert {each.headers["gs-subject"] for each in found} == set(GARBAGE)
        for each in found:
            assert each.data == body
            assert each.headers["gs-reason"]
            assert reason in each.headers["gs-reason"] or "No handler" in each.headers["gs-reason"]
            assert each.headers["gs-subject"] in each.headers["gs-replay"]
        assert len(await client.jetstream().streams_info()) >= 6


async def test_an_id_that_nobody_has_becomes_a_dead_letter(up):
    async with connected(up) as client:
        since = len(await dead_letters(client))
        bodies = {
            "gs.cmd.enhancement.rollback": {"enhancement_id": NOBODY},
            "gs.cmd.wave.stop": {"wave_id": NOBODY},
            "gs.cmd.target.stop_backtest": {"backtest_id": NOBODY},
            "gs.run.x": {"run_id": NOBODY, "target_id": NOBODY},
            "gs.proposal.submitted": {
                "enhancement_id": NOBODY,
                "wave_id": NOBODY,
                "target_id": NOBODY,
                "epoch": 1,
            },
        }
        for subject, body in bodies.items():
            await client.jetstream().publish(subject, json.dumps(body).encode())
        found = await new_letters(client, since, len(bodies))
        assert all("There is no" in each.headers["gs-reason"] for each in found)


@pytest.mark.parametrize("body", [b"not json", b'{"version": 99}', b"[]"])
async def test_a_garbage_request_is_answered_with_its_error(up, body):
    async with connected(up) as client:
        since = len(await dead_letters(client))
        for subject in RPC:
            answer = json.loads((await client.request(subject, body, timeout=10)).data)
            assert answer["ok"] is False, subject
            assert answer["error"]["code"] == "invalid_request"
        found = await new_letters(client, since, len(RPC))
        assert {each.subject for each in found} >= {"gs.dlq.rpc.wave-start"}


async def test_a_body_that_is_too_large_is_refused_to_its_sender(up):
    async with connected(up) as client:
        with pytest.raises(nats.errors.MaxPayloadError):
            await client.publish("gs.cmd.wave.start", b"x" * 5_000_000)
        body = b'{"target": "' + b"x" * 1_020_000 + b'"}'
        with pytest.raises(nats.js.errors.APIError):
            await client.jetstream().publish("gs.cmd.wave.start", body)


async def test_the_services_go_on_after_all_that(up):
    async with httpx.AsyncClient(base_url=up.api, headers=up.key) as api:
        ready = await api.get(f"{up.stack['api_url']}/health/ready")
    assert set(ready.json()["services"]) == {
        "agents",
        "api",
        "coordinator",
        "resolver",
        "validator",
    }


async def test_the_bus_answers_as_a_micro_service(up):
    async with connected(up, "user") as client:
        answer = await client.request("$SRV.PING.groundswell-coordinator", b"", timeout=5)
        assert json.loads(answer.data)["name"] == "groundswell-coordinator"
        info = await client.request("$SRV.INFO.groundswell-coordinator", b"", timeout=5)
        subjects = {each["subject"] for each in json.loads(info.data)["endpoints"]}
        assert subjects >= {"gs.rpc.wave.start", "gs.rpc.status", "gs.rpc.agents.list"}
        for service, endpoint in (("coordinator", "wave-start"), ("api", "enhancement-rollback")):
            told = await client.request(f"$SRV.INFO.groundswell-{service}", b"", timeout=5)
            metadata = {
                each["name"]: each["metadata"] for each in json.loads(told.data)["endpoints"]
            }
            assert json.loads(metadata[endpoint]["request"])["type"] == "object"
        missing = {"enhancement_id": uuid7()}
        told = await client.request(
            "gs.rpc.enhancement.rollback", json.dumps(missing).encode(), timeout=5
        )
        assert json.loads(told.data)["error"]["family"] == "NotFound"
        stats = await client.request("$SRV.STATS.groundswell-coordinator", b"", timeout=5)
        assert json.loads(stats.data)["endpoints"]
        agents = json.loads((await client.request("gs.rpc.agents.list", b"", timeout=5)).data)
        assert agents["result"] == {"agents": []}


async def test_a_plain_publish_starts_a_wave_on_the_only_target(up, tmp_path):
    target = a_repository(tmp_path / "target", m_py=CODE, tests__test_m_py=TESTS)
    async with connected(up, "user") as client:
        await client.publish("gs.cmd.wave.start", b'{"size":"small"}')
        found = await new_letters(client, len(await dead_letters(client)), 1)
        assert "Known targets: none yet" in found[0].headers["gs-reason"]

        body = json.dumps({"target": str(target)}).encode()
        await client.publish("gs.cmd.wave.start", body)
        first = await finished(client, 1)
        assert first["state"] == "completed"
        await client.publish("gs.cmd.wave.start", b'{"size":"small"}')
        second = await finished(client, 2)
        assert second["location"] == first["location"] == str(target)
        shown = json.loads((await client.request("gs.rpc.wave.show", b"", timeout=5)).data)
        async with httpx.AsyncClient(base_url=up.api, headers=up.key) as api:
            over_http = (await api.get(f"/waves/{second['id']}")).json()
        assert shown["result"] == over_http


async def finished(client, count):
    for _ in range(600):
        answer = json.loads((await client.request("gs.rpc.wave.list", b"", timeout=5)).data)
        waves = answer["result"]["waves"]
        if len(waves) == count and waves[0]["finished_at"]:
            return waves[0]
        await asyncio.sleep(0.1)
    pytest.fail(f"{count} waves did not finish: {waves}")


async def test_http_tells_the_same_and_refuses_in_words(up):
    async with httpx.AsyncClient(base_url=up.api, headers=up.key) as api:
        assert (await api.get("/status")).json()["workers"] == dict.fromkeys(agent_specs(), 1)
        assert (await api.get(f"{up.stack['api_url']}/openapi.json")).status_code == 200
        wrong = await api.post("/waves", json={"size": "huge"})
        assert wrong.status_code == 422
        assert wrong.headers["content-type"] == "application/problem+json"
        assert "size" in wrong.json()["detail"]
        missing = await api.post("/waves", json={"target": "/nowhere"})
        assert missing.status_code == 404
        assert "does not exist" in missing.json()["detail"]
        assert (await api.get("/waves/01234567")).status_code == 404
        assert (await api.get("/enhancements?state=nope")).status_code == 422
        large = await api.post("/waves", content=b"x" * 2_000_000)
        assert large.status_code == 413
        foreign = await api.get("/status", headers={"Origin": "https://elsewhere.example"})
        assert foreign.status_code == 403
        rebound = await api.get("/status", headers={"Host": "elsewhere.example"})
        assert rebound.status_code == 403


async def test_the_event_stream_can_be_resumed(up):
    async with httpx.AsyncClient(base_url=up.api, headers=up.key) as api:
        first = await some_events(api, {"after": "0"}, {}, 5)
        again = await some_events(api, {}, {"Last-Event-ID": str(first[1][0])}, 3)
    assert again == first[2:5]


async def some_events(api, params, headers, count):
    found = []
    async with api.stream("GET", "/events", params=params, headers=headers, timeout=10) as answer:
        sequence = 0
        async for line in answer.aiter_lines():
            if line.startswith("id: "):
                sequence = int(line[4:])
            if line.startswith("data: "):
                found.append((sequence, json.loads(line[6:])["type"]))
                if len(found) == count:
                    return found
    return found
