"""Keys and their scopes: what each of them opens, and what does not exist for it."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import httpx
import pytest

from services.api.domain.access import INCLUDED
from services.api.main import make_app
from services.api.ports import ApiDeps
from services.api.routes.guard import OPEN_PATHS
from services.api.usecases import stream_events
from services.api.usecases.access import on_behalf_of
from shared.contracts.answers import InfiniteStatus, Status, WaveAccepted
from shared.contracts.commands import GetStatus, StartInfiniteMode, StartWave
from shared.contracts.documents.access import Scope
from shared.contracts.http import API_PREFIX, INBOUND_PREFIX
from shared.kernel.ids import uuid7
from tests.support.builders import COMMIT, NOW, a_target, a_wave, an_enhancement
from tests.support.buses import RecordingBus
from tests.support.memory import a_store

LOCAL = "the key of this home"
HERE = "http://127.0.0.1:8420"
PLACEHOLDER = "0190a000-0000-7000-8000-000000000000"


async def fine():
    return None


def started(command):
    return WaveAccepted(
        wave_id=command.wave_id,
        target_id=PLACEHOLDER,
        commit=COMMIT,
        base_branch="main",
        landing_branch="groundswell",
    )


@pytest.fixture
def deps():
    nothing = Status(agents={}, waves={}, tasks={}, enhancements={})
    bus = RecordingBus(answers={GetStatus: nothing, StartWave: started})
    return ApiDeps(store=a_store(), bus=bus, ping_database=fine, clock=lambda: NOW, new_id=uuid7)


def client_of(deps, key, *, rate="600/minute"):
    app = make_app(deps, key=LOCAL, hosts=["127.0.0.1"], rate=rate)
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url=f"{HERE}{API_PREFIX}", headers=headers
    )


async def made_key(deps, *scopes, **wanted):
    body = {"name": "a key", "scopes": scopes, **wanted}
    async with client_of(deps, LOCAL) as client:
        made = await client.post("/keys", json=body)
    assert made.status_code == 201, made.text
    return made.json()


def demanded_scopes():
    """Return what the OpenAPI document says that each call demands, by method and path."""
    paths = make_app(None, key=LOCAL, hosts=["127.0.0.1"]).openapi()["paths"]
    return {
        (method.upper(), path): [
            scope for each in call.get("security", ()) for scope in each["key"]
        ]
        for path, calls in paths.items()
        for method, call in calls.items()
        if path not in OPEN_PATHS and not path.startswith(INBOUND_PREFIX)
    }


DEMANDED = demanded_scopes()
# Events do not end; see test_events_of_other_targets_are_not_sent.
ENDING = [each for each in DEMANDED if not each[1].endswith("/events")]
# For nodes of automation tools that only post.
READ_BY_POST = {("POST", "/webhooks/n8n/health")}


class TestScopes:
    @pytest.mark.parametrize("call", DEMANDED)
    def test_every_route_names_one_scope_and_none_that_writes_only_reads(self, call):
        [scope] = DEMANDED[call]
        assert (scope == Scope.READ) <= (call[0] == "GET" or call in READ_BY_POST)

    @pytest.mark.parametrize("held", Scope)
    async def test_a_key_opens_what_its_scope_includes(self, deps, held):
        made = await made_key(deps, held)
        refused = set()
        async with client_of(deps, made["secret"]) as client:
            for method, path in ENDING:
                url = HERE + path.replace("{", "").replace("}", "")
                answer = await client.request(method, url, json={})
                if answer.status_code == 403 and answer.json()["code"] == "missing_scope":
                    refused.add((method, path))
        assert refused == {each for each in ENDING if DEMANDED[each][0] not in INCLUDED[held]}


class TestAutomations:
    @pytest.mark.parametrize(
        ("scopes", "action", "status"),
        [
            (["run"], "none", 202),
            (["run"], "land", 403),
            (["run"], "rollback", 403),
            (["run", "approve"], "land", 202),
        ],
    )
    async def test_landing_and_rolling_back_need_a_key_that_approves(
        self, deps, scopes, action, status
    ):
        change = an_enhancement(state="needs_approval")
        await deps.store.enhancements.insert(change)
        made = await made_key(deps, *scopes)
        async with client_of(deps, made["secret"]) as client:
            body = {"enhancement_id": change.id, "action": action}
            answer = await client.post(f"{HERE}/api/validate", json=body)
        assert answer.status_code == status
        assert len(deps.bus.published) == ("approve" in scopes)

    async def test_two_callers_may_have_the_same_number_for_an_execution(self, deps):
        waves = set()
        for _ in range(2):
            made = await made_key(deps, "run")
            async with client_of(deps, made["secret"]) as client:
                body = {"execution_id": 12}
                answer = await client.post(f"{HERE}/webhooks/n8n/agent/deploy", json=body)
            waves.add(answer.json()["wave_id"])
        assert len(waves) == len(deps.bus.asked)

    async def test_a_sender_needs_a_signature_and_no_key(self, deps):
        async with client_of(deps, "") as client:
            answer = await client.post(f"{HERE}{INBOUND_PREFIX}{PLACEHOLDER}", json={})
        assert (answer.status_code, answer.json()["code"]) == (401, "wrong_signature")


class TestKeys:
    async def test_its_text_is_shown_once_and_stored_nowhere(self, deps):
        made = await made_key(deps, "run")
        [stored] = await deps.store.api_keys.find()
        assert made["secret"].startswith(f"gs_{stored.prefix}_")
        assert made["secret"] not in stored.model_dump_json()
        async with client_of(deps, LOCAL) as client:
            listed = (await client.get("/keys")).json()["items"]
        assert [each["id"] for each in listed] == [stored.id]
        assert made["secret"].rpartition("_")[2] not in str(listed)

    @pytest.mark.parametrize(
        "wrong", [lambda text: text[:-1] + "x", lambda text: text[:-1], lambda text: "é" + text]
    )
    async def test_a_key_that_is_not_quite_right_opens_nothing(self, deps, wrong):
        made = await made_key(deps, "admin")
        async with client_of(deps, "") as client:
            sent = f"Bearer {wrong(made['secret'])}".encode("latin-1")
            answer = await client.get("/waves", headers={b"authorization": sent})
        assert (answer.status_code, answer.json()["code"]) == (401, "wrong_key")

    async def test_a_revoked_key_is_refused_at_once(self, deps):
        made = await made_key(deps, "read")
        async with client_of(deps, LOCAL) as admin, client_of(deps, made["secret"]) as client:
            assert (await client.get("/waves")).status_code == 200
            assert (await admin.delete(f"/keys/{made['key']['id']}")).status_code == 200
            refused = await client.get("/waves")
            assert (refused.status_code, refused.json()["code"]) == (401, "revoked_key")
            again = await admin.delete(f"/keys/{made['key']['id']}")
            assert (again.status_code, again.json()["code"]) == (409, "revoked_key")

    async def test_a_key_is_refused_from_its_expiry_on(self, deps):
        ends = NOW + timedelta(hours=1)
        made = await made_key(deps, "read", expires_at=ends.isoformat())
        for now, status in ((ends - timedelta(seconds=1), 200), (ends, 401)):
            later = replace(deps, clock=lambda now=now: now)
            async with client_of(later, made["secret"]) as client:
                assert (await client.get("/waves")).status_code == status

    async def test_a_rotated_key_is_valid_until_its_grace_ends(self, deps):
        old = await made_key(deps, "run")
        async with client_of(deps, LOCAL) as admin:
            body = {"grace_seconds": 60}
            new = (await admin.post(f"/keys/{old['key']['id']}/rotate", json=body)).json()
        assert new["key"]["replaces"] == old["key"]["id"]
        assert new["key"]["scopes"] == ["run"]
        for seconds, secret, status in (
            (59, old["secret"], 200),
            (60, old["secret"], 401),
            (60, new["secret"], 200),
        ):
            later = replace(deps, clock=lambda s=seconds: NOW + timedelta(seconds=s))
            async with client_of(later, secret) as client:
                assert (await client.get("/waves")).status_code == status

    async def test_its_last_use_is_stored_once_a_minute(self, deps):
        made = await made_key(deps, "read")
        for seconds, stored in ((0, 0), (59, 0), (60, 60)):
            now = NOW + timedelta(seconds=seconds)
            async with client_of(replace(deps, clock=lambda now=now: now), made["secret"]) as used:
                await used.get("/waves")
            [key] = await deps.store.api_keys.find()
            assert key.last_used_at == NOW + timedelta(seconds=stored)


class TestRestrictedKeys:
    @pytest.fixture
    async def theirs(self, deps):
        """Two targets with a wave and a change each; the key is for the first one."""
        for _ in range(2):
            target = a_target(id=uuid7(), location=f"/{uuid7()}")
            wave = a_wave(id=uuid7(), target_id=target.id)
            change = an_enhancement(id=uuid7(), target_id=target.id, wave_id=wave.id)
            await deps.store.targets.insert(target)
            await deps.store.waves.insert(wave)
            await deps.store.enhancements.insert(change)
        return await deps.store.targets.find()

    async def test_nothing_of_another_target_exists_for_it(self, deps, theirs):
        made = await made_key(deps, "approve", "run", targets=[theirs[0].location])
        own, other = [(await deps.store.waves.find(target_id=each.id))[0] for each in theirs]
        change = (await deps.store.enhancements.find(target_id=theirs[1].id))[0]
        async with client_of(deps, made["secret"]) as client:
            listed = (await client.get("/waves")).json()["items"]
            assert [each["id"] for each in listed] == [own.id]
            assert len((await client.get("/enhancements")).json()["items"]) == 1
            assert (await client.get(f"/waves/{own.id}")).status_code == 200
            for path in (
                f"/waves/{other.id}",
                f"/waves/{other.id[-8:]}",
                f"/enhancements/{change.id}",
                f"/findings?target={theirs[1].location}",
            ):
                assert (await client.get(path)).status_code == 404
            answer = await client.post(f"/enhancements/{change.id}/rollback")
            assert answer.status_code == 404
            assert (await client.get("/status")).json()["code"] == "restricted_key"
        assert deps.bus.published == []

    async def test_it_starts_waves_on_its_own_target_only(self, deps, theirs):
        made = await made_key(deps, "run", targets=[theirs[0].id])
        async with client_of(deps, made["secret"]) as client:
            refused = await client.post("/waves", json={"target": theirs[1].location})
            assert refused.status_code == 404
            unknown = await client.post("/waves", json={"target": "/etc"})
            assert unknown.status_code == 404
            assert (await client.post("/waves", json={})).status_code == 202
        assert [each.target for each in deps.bus.asked] == [theirs[0].id]

    async def test_it_makes_no_keys(self, deps, theirs):
        made = await made_key(deps, "admin", targets=[theirs[0].id])
        async with client_of(deps, made["secret"]) as client:
            answer = await client.post("/keys", json={"name": "more", "scopes": ["admin"]})
        assert (answer.status_code, answer.json()["code"]) == (403, "restricted_key")

    async def test_infinite_mode_and_automations_are_on_its_own_target_only(self, deps, theirs):
        deps.bus.answers[StartInfiniteMode] = InfiniteStatus(modes=())
        made = await made_key(deps, "run", targets=[theirs[0].id])
        others = {"target": theirs[1].location}
        async with client_of(deps, made["secret"]) as client:
            for path in ("/infinite", f"{HERE}/webhooks/n8n/agent/deploy"):
                assert (await client.post(path, json=others)).status_code == 404
                assert (await client.post(path, json={})).status_code == 202
            for path in ("pause", "resume", "stop"):
                assert (await client.post(f"/infinite/{path}", json=others)).status_code == 404
                of_other = f"/targets/{theirs[1].id}/infinite/{path}"
                assert (await client.post(of_other)).status_code == 404
                refused = await client.post(f"/infinite/{path}")
                assert (refused.status_code, refused.json()["code"]) == (403, "restricted_key")
        assert {each.target for each in deps.bus.asked} == {theirs[0].id}

    async def test_it_sends_no_events_of_other_targets_anywhere(self, deps, theirs):
        made = await made_key(deps, "admin", targets=[theirs[0].id])
        wanted = {"url": "https://example.org/", "events": ["*"]}
        async with client_of(deps, made["secret"]) as client:
            for answer in (
                await client.post("/webhooks", json=wanted),
                await client.post("/webhooks/senders", json={}),
                await client.get("/deliveries"),
            ):
                assert (answer.status_code, answer.json()["code"]) == (403, "restricted_key")

    async def test_events_of_other_targets_are_not_sent(self, deps, theirs):
        deps.bus.incoming = [
            SimpleNamespace(
                sequence=number,
                subject="gs.evt.wave.finished",
                time=NOW,
                data={"target_id": target} if target else {},
            )
            for number, target in enumerate([theirs[1].id, theirs[0].id, ""], start=1)
        ]
        made = await made_key(deps, "read", targets=[theirs[0].id])
        [key] = await deps.store.api_keys.find(id=made["key"]["id"])
        caller = SimpleNamespace(targets=key.targets)
        events = stream_events(0, "", on_behalf_of(caller, deps))
        assert [each["id"] async for each in events] == ["2"]


class TestRates:
    async def test_a_key_that_is_used_too_often_has_to_wait(self, deps):
        made = await made_key(deps, "read")
        async with client_of(deps, made["secret"], rate="2/minute") as client:
            answers = [await client.get("/waves") for _ in range(3)]
            assert [each.status_code for each in answers] == [200, 200, 429]
            assert answers[2].json()["code"] == "too_many_requests"
            assert int(answers[2].headers["retry-after"]) >= 1

    async def test_wrong_keys_are_refused_more_briefly_and_others_still_get_through(self, deps):
        async with client_of(deps, "wrong") as client:
            answers = [await client.get("/waves") for _ in range(31)]
            assert [each.status_code for each in answers] == [401] * 30 + [429]
            right = {"authorization": f"Bearer {LOCAL}"}
            assert (await client.get("/waves", headers=right)).status_code == 200
