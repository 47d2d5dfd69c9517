"""The HTTP application over fakes: what gets past the guard, and how errors are told."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import httpx
import pytest
from pydantic import ValidationError
from structlog.testing import capture_logs

from services.api.main import make_app
from services.api.ports import ApiDeps
from services.api.routes.guard import MAX_BODY_BYTES
from services.api.settings import ApiSettings
from services.api.usecases import stream_events
from shared.contracts.answers import Status, StoppedWaves, WaveAccepted
from shared.contracts.commands import (
    BacktestTarget,
    GetStatus,
    RollbackEnhancement,
    StartWave,
    StopBacktest,
    StopWave,
)
from shared.contracts.documents.storage import Patch
from shared.contracts.http import API_PREFIX
from shared.kernel.errors import Conflict, GroundswellError, NotFound, Rejected, Transient
from shared.kernel.ids import uuid7
from tests.support.builders import (
    COMMIT,
    NOW,
    SHA,
    a_backtest,
    a_health,
    a_protection_health,
    a_stint,
    a_target,
    a_task,
    a_test_run,
    a_wave,
    a_worker,
    an_agent,
    an_enhancement,
)
from tests.support.buses import RecordingBus
from tests.support.memory import a_store

HERE = "http://127.0.0.1:8000"
KEY = "the key of this home"
HOSTS = ApiSettings(api_key=KEY).api_hosts
NOTHING = Status(agents={}, waves={}, tasks={}, enhancements={})


async def fine():
    return None


@pytest.fixture(autouse=True)
def logged():
    """Defects are logged with their traceback, which takes a second to be drawn."""
    with capture_logs() as lines:
        yield lines


@pytest.fixture
def deps():
    bus = RecordingBus(answers={GetStatus: NOTHING})
    return ApiDeps(store=a_store(), bus=bus, ping_database=fine, clock=lambda: NOW, new_id=uuid7)


def a_client(deps, *, hosts=HOSTS, base_url=HERE, key=KEY):
    app = make_app(deps, key=KEY, hosts=hosts)
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return httpx.AsyncClient(
        transport=transport, base_url=f"{base_url}{API_PREFIX}", headers=headers
    )


@pytest.fixture
async def client(deps) -> AsyncIterator[httpx.AsyncClient]:
    async with a_client(deps) as made:
        yield made


def problem(response, status, code):
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert (response.status_code, body["status"], body["code"]) == (status, status, code)
    assert body["type"] == f"urn:groundswell:problem:{code}"
    assert body["title"]
    assert body["detail"]
    return body


class TestGuard:
    @pytest.mark.parametrize(
        "host",
        ["localhost", "localhost:8000", "LOCALHOST", "127.0.0.1:8000", "[::1]:8000"],
    )
    async def test_this_machine_may_ask_by_any_of_its_names(self, client, host):
        assert (await client.get(f"{HERE}/health/live", headers={"host": host})).status_code == 200

    @pytest.mark.parametrize(
        "host",
        [
            "example.org",
            "localhost.example.org",
            "127.0.0.1.example.org:8000",
            "example.org#127.0.0.1",
            "127.0.0.1@example.org",
            "192.168.0.1",
            "127.1.2.3",
            "0.0.0.0",
            "[::2]",
            "",
        ],
    )
    async def test_a_name_that_was_pointed_here_is_refused(self, client, host):
        problem(
            await client.get(f"{HERE}/health/live", headers={"host": host}), 403, "foreign_host"
        )

    async def test_its_names_are_the_configured_ones_wherever_it_listens(self, deps):
        name = "groundswell.example.org"
        async with a_client(deps, hosts=(name,), base_url=f"http://{name}") as client:
            assert (await client.get(f"http://{name}/health/live")).status_code == 200
            elsewhere = await client.get(f"{HERE}/health/live", headers={"host": "127.0.0.1"})
            problem(elsewhere, 403, "foreign_host")

    @pytest.mark.parametrize("path", ["/status", "/waves", "/events", "/enhancements/x/diff", "/x"])
    @pytest.mark.parametrize(("key", "code"), [("", "no_key"), ("the key of another", "wrong_key")])
    async def test_who_does_not_have_the_key_learns_nothing(self, deps, path, key, code):
        async with a_client(deps, key=key) as client:
            refused = problem(await client.get(path), 401, code)
            assert refused["detail"].startswith("This API needs a key")
            assert problem(await client.post("/waves", json={}), 401, code)
        assert deps.bus.asked == deps.bus.published == []

    async def test_probes_and_the_description_need_no_key(self, deps):
        async with a_client(deps, key="") as client:
            for path in ("/health/live", "/health/ready", "/openapi.json"):
                assert (await client.get(f"{HERE}{path}")).status_code == 200

    def test_there_is_no_api_without_a_key(self, monkeypatch):
        for key in (None, "", "short"):
            monkeypatch.delenv("GROUNDSWELL_API_KEY", raising=False)
            if key is not None:
                monkeypatch.setenv("GROUNDSWELL_API_KEY", key)
            with pytest.raises(ValidationError):
                ApiSettings()

    @pytest.mark.parametrize("hosts", [HOSTS, ("127.0.0.1", "api")])
    @pytest.mark.parametrize(
        "origin", ["http://example.org", "null", "http://127.0.0.1:9000", "http://localhost:8000"]
    )
    async def test_a_page_of_another_site_is_refused(self, deps, origin, hosts):
        async with a_client(deps, hosts=hosts) as client:
            refused = await client.get(f"{HERE}/health/live", headers={"origin": origin})
        problem(refused, 403, "foreign_origin")

    async def test_its_own_pages_may_ask(self, client):
        assert (
            await client.get(f"{HERE}/health/live", headers={"origin": HERE})
        ).status_code == 200

    @pytest.mark.parametrize(
        "headers", [{"host": "["}, {"host": "[::1"}, {"origin": "http://["}], ids=str
    )
    async def test_an_unreadable_name_is_refused_like_a_foreign_one(self, client, headers):
        refused = await client.get(f"{HERE}/health/live", headers=headers)
        assert refused.status_code == 403

    async def test_a_body_announced_too_large_is_not_read(self, client):
        read = []

        async def body():
            read.append(1)
            yield b"{}"

        headers = {"content-length": str(MAX_BODY_BYTES + 1)}
        problem(await client.post("/waves", content=body(), headers=headers), 413, "too_large")
        assert not read

    async def test_a_body_that_only_turns_out_too_large_is_refused(self, deps, client):
        async def body():
            for _ in range(5):
                yield b" " * (MAX_BODY_BYTES // 4)

        problem(await client.post("/waves", content=body()), 413, "too_large")
        assert not deps.bus.asked

    async def test_the_largest_body_allowed_arrives_whole(self, client):
        text = b'{"size": "medium"}'
        body = text + b" " * (MAX_BODY_BYTES - len(text))
        shown = await client.post("/waves", content=body, headers=JSON)
        assert "size" in problem(shown, 422, "invalid_request")["detail"]

    async def test_a_body_in_pieces_arrives_whole(self, deps, client):
        deps.bus.answers[StartWave] = accepted

        async def body():
            for each in (b'{"target": ', b"", b'"/some', b'where"}'):
                yield each

        assert (await client.post("/waves", content=body(), headers=JSON)).status_code == 202
        assert deps.bus.asked[0].target == "/somewhere"


JSON = {"content-type": "application/json"}


def accepted(command):
    return WaveAccepted(
        wave_id=command.wave_id,
        target_id=uuid7(),
        commit=COMMIT,
        base_branch="main",
        landing_branch="groundswell/main",
    )


class TestProblems:
    @pytest.mark.parametrize(
        ("error", "status", "title"),
        [
            (NotFound("m", hint="h", code="c"), 404, "Not found"),
            (Conflict("m", hint="h", code="c"), 409, "Conflict with the present state"),
            (Rejected("m", hint="h", code="c"), 422, "Rejected"),
            (GroundswellError("m", hint="h", code="c"), 500, "Failed"),
        ],
    )
    async def test_each_family_has_its_status(self, deps, client, error, status, title):
        deps.bus.answers[GetStatus] = error
        body = problem(await client.get("/status"), status, "c")
        assert (body["title"], body["detail"], body["hint"]) == (title, "m", "h")

    @pytest.mark.parametrize(("delay", "seconds"), [(0.2, "1"), (1.0, "1"), (4.2, "5")])
    async def test_what_may_be_asked_again_says_when(self, deps, client, delay, seconds):
        deps.bus.answers[GetStatus] = Transient("m", delay=delay)
        response = await client.get("/status")
        assert "hint" not in problem(response, 503, "transient")
        assert response.headers["retry-after"] == seconds

    async def test_a_defect_is_logged_and_tells_nothing_of_the_inside(self, deps, client, logged):
        deps.bus.answers[GetStatus] = RuntimeError("the password is 1234")
        response = await client.get("/status")
        problem(response, 500, "internal")
        assert "1234" not in response.text
        assert [(each["event"], each["path"]) for each in logged] == [
            ("request_failed", f"{API_PREFIX}/status")
        ]

    @pytest.mark.parametrize("path", ["/nowhere", f"{HERE}/nowhere", f"{HERE}/waves", HERE])
    async def test_an_unknown_path_is_a_problem_too(self, client, path):
        problem(await client.get(path), 404, "not_found")

    async def test_a_wrong_method_names_the_right_one(self, client):
        response = await client.delete("/status")
        problem(response, 405, "method_not_allowed")
        assert response.headers["allow"] == "GET"

    @pytest.mark.parametrize(
        ("body", "named"),
        [
            ({"size": "huge"}, "size"),
            ({"wave_id": "x"}, "wave_id"),
            ({"components": [1]}, "components"),
            ({"version": 2}, "version"),
        ],
    )
    async def test_a_wrong_field_is_named(self, deps, client, body, named):
        response = await client.post("/waves", json=body)
        assert named in problem(response, 422, "invalid_request")["detail"]
        assert not deps.bus.asked

    @pytest.mark.parametrize("text", [b"{", b"", b"[]"])
    async def test_what_is_no_command_is_a_problem(self, client, text):
        problem(await client.post("/waves", content=text, headers=JSON), 422, "invalid_request")

    async def test_what_is_no_text_is_a_problem(self, client):
        problem(await client.post("/waves", content=b"\xff", headers=JSON), 400, "bad_request")

    @pytest.mark.parametrize(
        "path", ["/waves?limit=0", "/tasks?limit=1001", "/enhancements?limit=x", "/events?after=-1"]
    )
    async def test_a_limit_out_of_range_is_a_problem(self, client, path):
        problem(await client.get(path), 422, "invalid_request")


class TestFinding:
    async def test_a_wave_is_found_by_its_whole_id_and_by_its_end(self, deps, client):
        wave = a_wave()
        task = a_task(wave)
        await deps.store.waves.insert(wave)
        await deps.store.tasks.insert(task)
        for typed in (wave.id, wave.id[-6:], wave.id[-8:].upper(), f" {wave.id} "):
            shown = (await client.get(f"/waves/{typed}")).json()
            assert shown["wave"]["id"] == wave.id
            assert [each["id"] for each in shown["tasks"]] == [task.id]

    async def test_an_end_that_several_share_names_them(self, deps, client):
        ids = [f"01900000-0000-7000-8000-0000{n}0abcdef" for n in range(2)]
        for each in ids:
            await deps.store.waves.insert(a_wave(id=each))
        body = problem(await client.get("/waves/abcdef"), 409, "ambiguous_id")
        assert all(each[-8:] in body["hint"] for each in ids)

    @pytest.mark.parametrize("typed", ["abcde", "notanid", "%00%00%00%00%00%00"])
    async def test_what_cannot_be_an_id_is_refused(self, client, typed):
        problem(await client.get(f"/waves/{typed}"), 422, "bad_id")

    @pytest.mark.parametrize("path", ["/waves/{}", "/waves/{}/report", "/enhancements/{}/diff"])
    @pytest.mark.parametrize("typed", ["01900000-0000-7000-8000-000000000000", "abcdef"])
    async def test_what_is_not_there_is_not_found(self, client, path, typed):
        problem(await client.get(path.format(typed)), 404, "not_found")


class TestWaves:
    async def test_a_wave_is_opened_under_an_id_that_can_be_asked_again(self, deps, client):
        deps.bus.answers[StartWave] = accepted
        shown = await client.post("/waves", json={"target": "/somewhere"})
        assert shown.status_code == 202
        [asked] = deps.bus.asked
        assert shown.json()["wave_id"] == asked.wave_id
        assert shown.json()["events_after"] == 40, "events from before it was asked for are not its"

    async def test_the_callers_own_id_is_kept(self, deps, client):
        deps.bus.answers[StartWave] = accepted
        mine = uuid7()
        assert (await client.post("/waves", json={"wave_id": mine})).json()["wave_id"] == mine

    async def test_a_refusal_of_the_coordinator_is_passed_on(self, deps, client):
        deps.bus.answers[StartWave] = Conflict("busy", hint="wait", code="wave_open")
        problem(await client.post("/waves", json={}), 409, "wave_open")

    async def test_stopping_passes_the_reason_on(self, deps, client):
        wave = a_wave()
        await deps.store.waves.insert(wave)
        deps.bus.answers[StopWave] = lambda command: StoppedWaves(waves=(command.wave_id,))
        shown = await client.post(f"/waves/{wave.id[-8:]}/stop", json={"reason": "enough"})
        assert shown.json() == {"waves": [wave.id]}
        assert deps.bus.asked == [StopWave(wave_id=wave.id, reason="enough")]
        assert (await client.post(f"/waves/{wave.id}/stop")).status_code == 200
        assert deps.bus.asked[1].reason == "stopped by request"

    async def test_the_newest_waves_come_first_and_no_more_than_asked_for(self, deps, client):
        ids = [f"01900000-0000-7000-8000-00000000000{n}" for n in range(3)]
        for each in ids:
            await deps.store.waves.insert(a_wave(id=each))
        shown = (await client.get("/waves?limit=2")).json()
        assert [each["id"] for each in shown["items"]] == [ids[2], ids[1]]
        rest = (await client.get(f"/waves?limit=2&after={shown['next']}")).json()
        assert [each["id"] for each in rest["items"]] == [ids[0]]
        assert rest["next"] is None

    @pytest.mark.parametrize("path", ["waves", "tasks", "agents", "enhancements", "backtests"])
    async def test_a_cursor_that_is_no_id_is_a_problem(self, client, path):
        problem(await client.get(f"/{path}?after=abcdef"), 422, "invalid_request")

    async def test_a_wave_is_listed_with_the_target_it_runs_on(self, deps, client):
        target = a_target(location="/some/where")
        await deps.store.targets.insert(target)
        await deps.store.waves.insert(a_wave(target_id=target.id))
        [shown] = (await client.get("/waves")).json()["items"]
        assert (shown["target"], shown["location"]) == (target.name, "/some/where")

    async def test_a_report_takes_the_baseline_of_an_earlier_wave(self, deps, client):
        target = a_target()
        wave, earlier = a_wave(target_id=target.id), a_wave(target_id=target.id)
        await deps.store.targets.insert(target)
        await deps.store.waves.insert(wave)
        counts = {"tests": 3, "passed": 3, "failed": 0, "skipped": 0}
        await deps.store.runs.insert(
            a_test_run(earlier, purpose="baseline", counts=counts, wave_id=earlier.id)
        )
        shown = (await client.get(f"/waves/{wave.id}/report")).json()
        assert shown["baseline"]["tests"] == 3
        assert shown["wave"] == wave.id

    async def test_a_report_tells_findings_from_protection(self, deps, client):
        """A commit may have both kinds of health; mutants are no findings."""
        target, landed, later = a_target(), "1" * 40, "2" * 40
        wave = a_wave(target_id=target.id, final_commit=later)
        await deps.store.targets.insert(target)
        await deps.store.waves.insert(wave)
        for commit in (landed, later):
            change = an_enhancement(a_task(wave), state="applied", commit=commit)
            await deps.store.enhancements.insert(change)
        kept = [
            a_health(wave, score=50.0, metrics={"findings": 2.0}),
            a_protection_health(wave, commit=wave.commit),
            a_protection_health(wave, commit=landed, of=4, protected=3),
            a_protection_health(wave, commit=later, of=2, protected=0),
            a_health(wave, commit=later, score=80.0, metrics={"findings": 1.0}),
            a_health(wave, commit=landed),
        ]
        await deps.store.health.insert_missing(kept)
        shown = (await client.get(f"/waves/{wave.id}/report")).json()["health"]
        protection = {"mutants": 6, "killed": 3, "lines": 6, "protected_lines": 3}
        ends = {
            "score_before": 50.0,
            "score_after": 80.0,
            "findings_before": 2,
            "findings_after": 1,
            "protection": protection,
        }
        dimensions = {each["dimension"]: each for each in shown.pop("dimensions")}
        assert shown == {**ends, "components": [{"component": "m", **ends}]}
        quality = dimensions["code_quality"]
        assert (quality["score_before"], quality["score_after"]) == (50.0, 80.0)
        assert (quality["sample_before"], quality["sample_unit"]) == (100, "lines")
        assert dimensions["workflow"]["score_before"] is None

    async def test_agents_of_ended_waves_are_left_out_when_asked_for_active_ones(
        self, deps, client
    ):
        here, lost, gone = an_agent(), an_agent(state="offline"), an_agent(state="retired")
        for each in (here, lost, gone):
            await deps.store.agents.insert(each)
        await deps.store.waves.insert(a_wave(id=gone.wave_id))
        everyone = (await client.get("/agents")).json()["items"]
        active = (await client.get("/agents?active=true")).json()["items"]
        of_wave = (await client.get(f"/agents?wave={gone.wave_id}")).json()["items"]
        assert [each["id"] for each in everyone] == [gone.id, lost.id, here.id]
        assert [each["id"] for each in active] == [lost.id, here.id]
        assert [(each["id"], each["doing"]) for each in of_wave] == [(gone.id, "its wave is over")]

    async def test_a_report_says_who_did_what(self, deps, client):
        wave = a_wave()
        await deps.store.waves.insert(wave)
        await deps.store.targets.insert(a_target(id=wave.target_id))
        task, idle = a_task(wave), a_task(wave, component="n", note="nothing to change was found")
        follow_up = a_task(wave, agent_id=task.agent_id, attempt=1)
        for each in (task, idle, follow_up):
            await deps.store.tasks.insert(each)
        stint = a_stint(task, a_worker(host="h", pid=7))
        worked = an_agent(task, state="retired", stint=stint, seconds=3.5)
        for agent in (worked, an_agent(idle, name="agent-code-quality-2")):
            await deps.store.agents.insert(agent)
        states = ("applied", "rolled_back", "rejected")
        for number, state in enumerate(states):
            await deps.store.enhancements.insert(
                an_enhancement(task, key=f"k{number}", state=state, commit=COMMIT)
            )
        shown = (await client.get(f"/waves/{wave.id}/report")).json()["agents"]
        assert [(each["name"], each["focus"]) for each in shown] == [
            ("agent-code-quality-1", "m"),
            ("agent-code-quality-2", "n"),
        ]
        figures = ("tasks", "proposals", "landed", "seconds", "process", "note")
        assert [[each[name] for name in figures] for each in shown] == [
            [2, 3, 2, 3.5, "h:7", ""],
            [1, 0, 0, 0, "", "nothing to change was found"],
        ]


class TestEnhancements:
    async def test_they_are_listed_by_wave_and_state(self, deps, client):
        wave = a_wave()
        await deps.store.waves.insert(wave)
        mine = an_enhancement(a_task(wave), state="applied")
        for each in (mine, an_enhancement(a_task(wave), state="rejected"), an_enhancement()):
            await deps.store.enhancements.insert(each)
        shown = (await client.get(f"/enhancements?wave={wave.id[-8:]}&state=applied")).json()
        assert [each["id"] for each in shown["items"]] == [mine.id]
        assert len((await client.get("/enhancements")).json()["items"]) == 3

    async def test_an_unknown_state_names_the_known_ones(self, client):
        body = problem(await client.get("/enhancements?state=merged"), 422, "bad_state")
        assert "applied" in body["hint"]

    async def test_a_diff_is_the_patch_byte_for_byte(self, deps, client):
        change = an_enhancement()
        await deps.store.enhancements.insert(change)
        text = "diff --git a/é b/é\r\n"
        await deps.store.patches.insert(Patch(id=SHA, text=text, created_at=NOW))
        shown = await client.get(f"/enhancements/{change.id}/diff")
        assert shown.content == text.encode()
        assert shown.headers["content-type"].startswith("text/x-diff")

    async def test_its_story_is_told_from_the_runs_of_its_wave_and_those_that_decided(
        self, deps, client
    ):
        wave = a_wave()
        change = an_enhancement(a_task(wave), run=uuid7())
        await deps.store.enhancements.insert(change)
        done = {"state": "finished", "outcome": "reported", "target_id": change.target_id}
        mine = a_test_run(wave, changes=(change.id,), worse=("t::a",), **done)
        before = a_test_run(a_wave(), purpose="baseline", **done)
        decided = a_test_run(
            a_wave(), id=change.decision.run, changes=(change.id,), worse=(), **done
        )
        foreign = a_test_run(a_wave(), changes=(change.id,), **done)
        for each in (mine, before, decided, foreign):
            await deps.store.runs.insert(each)
        shown = (await client.get(f"/enhancements/{change.id[-8:]}/story")).json()
        assert shown["id"] == change.id
        assert {each["run"] for each in shown["steps"] if each["run"]} == {
            mine.id,
            before.id,
            decided.id,
        }
        assert shown["steps"][0]["kind"] == "proposed"

    async def test_of_what_is_not_there_no_story_is_told(self, client):
        problem(await client.get(f"/enhancements/{uuid7()}/story"), 404, "not_found")

    async def test_a_rollback_is_asked_for_durably_and_written_down(self, deps, client):
        change = an_enhancement(state="applied")
        await deps.store.enhancements.insert(change)
        shown = await client.post(f"/enhancements/{change.id[-8:]}/rollback", json={"reason": "no"})
        assert shown.status_code == 202
        assert shown.json() == {
            "enhancement_id": change.id,
            "wave_id": change.wave_id,
            "events_after": 40,
        }
        command = RollbackEnhancement(enhancement_id=change.id, reason="no")
        assert deps.bus.of(RollbackEnhancement) == [command]
        [audit] = await deps.store.audit.find(status=None)
        assert (audit.action, audit.channel, audit.at) == ("enhancement.rollback", "http", NOW)

    @pytest.mark.parametrize("state", ["proposed", "validated", "rejected", "rolled_back"])
    async def test_only_a_landed_change_can_be_rolled_back(self, deps, client, state):
        change = an_enhancement(state=state)
        await deps.store.enhancements.insert(change)
        problem(await client.post(f"/enhancements/{change.id}/rollback"), 409, "not_applied")
        assert not deps.bus.published
        assert not await deps.store.audit.find(status=None)


ASKED = {"target": "/somewhere", "since": "v1"}


class TestBacktests:
    async def test_one_is_asked_for_durably_under_an_id_that_can_be_asked_again(self, deps, client):
        answer = await client.post("/backtests", json=ASKED)
        assert answer.status_code == 202
        mine = answer.json()["backtest_id"]
        assert answer.json()["events_after"] == 40
        again = await client.post("/backtests", json={**ASKED, "backtest_id": mine})
        assert again.json()["backtest_id"] == mine
        first, second = deps.bus.of(BacktestTarget)
        assert first == second
        assert (first.since, first.limit) == ("v1", 200)
        assert len(set(deps.bus.identities())) == 1, "the stream keeps one of them"
        assert [each.action for each in await deps.store.audit.find(status=None)] == [
            "target.backtest"
        ] * 2

    @pytest.mark.parametrize(
        "wrong",
        [{"since": ""}, {"target": ""}, {"limit": 0}, {"limit": 1001}, {"backtest_id": "x"}],
    )
    async def test_what_makes_no_sense_is_a_problem(self, deps, client, wrong):
        problem(await client.post("/backtests", json={**ASKED, **wrong}), 422, "invalid_request")
        assert not deps.bus.published

    async def test_it_is_shown_by_the_end_of_its_id_listed_and_stopped(self, deps, client):
        backtest = a_backtest()
        await deps.store.backtests.insert(backtest)
        shown = (await client.get(f"/backtests/{backtest.id[-8:]}")).json()
        assert (shown["id"], shown["state"]) == (backtest.id, "running")
        listed = (await client.get("/backtests")).json()["items"]
        assert [each["id"] for each in listed] == [backtest.id]
        assert (await client.post(f"/backtests/{backtest.id[-8:]}/stop")).status_code == 202
        assert deps.bus.of(StopBacktest) == [StopBacktest(backtest_id=backtest.id)]

    async def test_what_is_not_there_is_not_found(self, deps, client):
        problem(await client.get("/backtests/abcdef"), 404, "not_found")
        problem(await client.post("/backtests/abcdef/stop"), 404, "not_found")
        assert not deps.bus.published


class TestReadiness:
    async def test_everything_that_answers_is_named(self, client):
        shown = (await client.get(f"{HERE}/health/ready")).json()
        assert shown["services"] == ["agents", "api", "coordinator", "resolver", "validator"]

    async def test_what_does_not_answer_is_named(self, deps, client):
        deps.bus.there = ("coordinator", "api", "resolver")
        detail = problem(await client.get(f"{HERE}/health/ready"), 503, "transient")["detail"]
        assert detail == "No answer from agents, validator."

    async def test_deleted_streams_and_consumers_are_not_ready(self, deps, client):
        deps.bus.missing = ("GS_RUNS", "validator-target")
        detail = problem(await client.get(f"{HERE}/health/ready"), 503, "transient")["detail"]
        assert "GS_RUNS, validator-target" in detail

    async def test_a_lost_connection_is_not_ready_but_alive(self, deps, client):
        deps.bus.connected = False
        problem(await client.get(f"{HERE}/health/ready"), 503, "transient")
        assert (await client.get(f"{HERE}/health/live")).status_code == 200

    async def test_a_lost_database_is_not_ready(self, deps):
        async def away():
            raise Transient("MongoDB does not answer.")

        async with a_client(replace(deps, ping_database=away)) as client:
            problem(await client.get(f"{HERE}/health/ready"), 503, "transient")


class TestEvents:
    def an_event(self, sequence, wave="", subject="gs.evt.wave.planned"):
        data = {"wave_id": wave} if wave else {}
        return SimpleNamespace(sequence=sequence, subject=subject, time=NOW, data=data)

    async def told(self, deps, count, after=None, wave=""):
        events = stream_events(after, wave, deps)
        return [await anext(events) for _ in range(count)]

    async def test_an_event_carries_the_sequence_to_resume_after(self, deps):
        deps.bus.incoming += [self.an_event(n) for n in (7, 8, 9)]
        shown = await self.told(deps, 2, after=7)
        assert [each["id"] for each in shown] == ["8", "9"]
        assert shown[0]["event"] == "wave.planned"

    async def test_those_of_one_wave_are_told_alone(self, deps):
        deps.bus.incoming += [
            self.an_event(1, "a"),
            self.an_event(2, "b"),
            self.an_event(3),
            self.an_event(4, "a"),
        ]
        assert [each["id"] for each in await self.told(deps, 2, wave="a")] == ["1", "4"]

    async def test_the_stream_ends_with_the_service(self, deps):
        deps.stopping.set()
        deps = replace(deps, bus=Silent())
        assert [each async for each in stream_events(None, "", deps)] == []

    @pytest.mark.parametrize("cancellations", [1, 5])
    async def test_a_follower_who_goes_away_in_the_middle_leaves_nothing_open(
        self, deps, cancellations
    ):
        bus = Silent()

        async def follow():
            async for _ in stream_events(None, "", replace(deps, bus=bus)):
                pass

        task = asyncio.create_task(follow())
        await bus.waiting.wait()
        # As a server's task group does, which cancels at every await until the task has ended.
        for _ in range(cancellations):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.wait_for(bus.closed.wait(), timeout=5)

    async def test_the_last_events_of_a_stream_that_ends_are_not_lost(self, deps):
        bus = Ending([self.an_event(n) for n in range(3)])
        shown = [each async for each in stream_events(None, "", replace(deps, bus=bus))]
        assert [each["id"] for each in shown] == ["0", "1", "2"]

    async def test_a_stream_that_breaks_says_so_after_its_last_event(self, deps):
        events = stream_events(None, "", replace(deps, bus=Ending([self.an_event(1)], broken=True)))
        assert (await anext(events))["id"] == "1"
        with pytest.raises(Transient):
            await anext(events)

    @pytest.mark.parametrize(
        ("headers", "after"), [({}, 5), ({"last-event-id": "9"}, 9), ({"last-event-id": "x"}, 5)]
    )
    async def test_a_browser_that_comes_back_resumes_where_it_was(self, deps, headers, after):
        deps.stopping.set()
        bus = Silent()
        async with a_client(replace(deps, bus=bus)) as client:
            response = await client.get("/events?after=5", headers=headers)
        assert response.headers["content-type"].startswith("text/event-stream")
        assert bus.listened_after == [after]

    @pytest.mark.parametrize("sent", [b"\xb2", b"9" * 5000], ids=["superscript", "very long"])
    async def test_an_odd_last_event_id_is_no_defect(self, deps, sent):
        deps.stopping.set()
        async with a_client(replace(deps, bus=Silent())) as client:
            response = await client.get("/events", headers=[(b"last-event-id", sent)])
        assert response.status_code < 500


@dataclass
class Silent(RecordingBus):
    """A stream in which nothing happens, and that takes a while to close."""

    closed: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: asyncio.Event = field(default_factory=asyncio.Event)

    async def events(self, *, after=None):
        self.listened_after.append(after)
        self.waiting.set()
        try:
            await asyncio.Event().wait()
            yield
        finally:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            self.closed.set()


class Ending(RecordingBus):
    """A stream that ends after some events, or breaks."""

    def __init__(self, kept, *, broken=False):
        super().__init__()
        self.kept, self.broken = kept, broken

    async def events(self, *, after=None):
        for each in self.kept:
            yield each
        if self.broken:
            raise Transient("The stream is gone.")
