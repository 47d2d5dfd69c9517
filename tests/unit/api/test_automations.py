"""What n8n sends is taken as it comes, answered at once, and told later where it said."""

from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest
from structlog.testing import capture_logs

from services.api.main import make_app
from services.api.ports import ApiDeps
from services.api.usecases import DeliverySender
from shared.contracts.answers import Status, StoppedWaves, WaveAccepted
from shared.contracts.commands import (
    DecideEnhancement,
    GetStatus,
    RollbackEnhancement,
    StartWave,
    StopWave,
)
from shared.http.protected import Answer, ProtectedPoster
from shared.kernel.errors import Rejected
from shared.kernel.ids import uuid7
from tests.support.builders import COMMIT, NOW, a_health, a_target, a_wave, an_enhancement
from tests.support.buses import RecordingBus
from tests.support.memory import a_store
from tests.support.receivers import FakeReceiver

KEY = "the key of this home"
RESUME = "http://n8n:5678/webhook-waiting/12?signature=a%2Bb&x=[1]"
TARGET = uuid7()


@dataclass
class Clock:
    now = NOW

    def __call__(self):
        return self.now

    def passes(self, **time):
        self.now += timedelta(**time)


def accepted(command):
    return WaveAccepted(
        wave_id=command.wave_id,
        target_id=TARGET,
        commit=COMMIT,
        base_branch="main",
        landing_branch="gs",
    )


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def receiver():
    return FakeReceiver()


@pytest.fixture
def deps(clock, receiver):
    async def fine():
        return None

    status = Status(agents={"active": 1}, waves={"running": 1}, tasks={}, enhancements={})
    bus = RecordingBus(answers={StartWave: accepted, GetStatus: status})
    return ApiDeps(
        store=a_store(),
        bus=bus,
        ping_database=fine,
        clock=clock,
        new_id=uuid7,
        poster=receiver,
    )


@pytest.fixture
async def n8n(deps):
    app = make_app(deps, key=KEY, hosts=["127.0.0.1"])
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url="http://127.0.0.1",
        headers={"authorization": f"Bearer {KEY}"},
    ) as client:
        yield client


@pytest.fixture
def sender(deps):
    return DeliverySender(deps)


async def tell(sender):
    await sender.run_once()
    await sender.finish()


DEPLOY, STOP, VALIDATE = "/webhooks/n8n/agent/deploy", "/webhooks/n8n/agent/stop", "/api/validate"


class TestDeploying:
    async def test_a_wave_is_accepted_at_once_and_its_end_is_told(
        self, n8n, deps, sender, receiver
    ):
        body = {"target": "/srv/shop", "size": "large", "callback_url": RESUME}
        answer = await n8n.post(DEPLOY, json=body)
        assert answer.status_code == 202
        wave = answer.json()["wave_id"]
        assert answer.json()["status_url"] == f"/api/v1/waves/{wave}"
        assert (deps.bus.asked[0].target, deps.bus.asked[0].size) == ("/srv/shop", "large")
        await deps.store.targets.insert(a_target(id=TARGET))
        await tell(sender)
        assert receiver.got == []
        await deps.store.waves.insert(a_wave(id=wave, target_id=TARGET, state="completed"))
        change = an_enhancement(wave_id=wave, state="applied", commit=COMMIT)
        await deps.store.enhancements.insert(change)
        await tell(sender)
        [(url, _, headers)] = receiver.got
        assert url == RESUME
        assert headers["content-type"] == "application/json"
        [told] = receiver.bodies
        assert (told["kind"], told["wave_id"], told["state"]) == ("wave", wave, "completed")
        assert [each["id"] for each in told["changes"]] == [change.id]
        assert told["report"]["wave"] == wave
        await tell(sender)
        assert len(receiver.got) == 1

    @pytest.mark.parametrize(
        "sent",
        [
            {"json": {"target": "/srv/shop", "components": ["a", "b"], "dry_run": True}},
            {"json": [{"target": "/srv/shop", "components": "a, b", "dry_run": "true"}]},
            {"json": {"target": "/srv/shop", "components": '["a","b"]', "dry_run": 1, "base": ""}},
            {"data": {"target": "/srv/shop", "components": "a,b", "dry_run": "true", "size": ""}},
            {
                "content": b'{"target":"/srv/shop","components":["a","b"],"dry_run":true,"x":{}}',
                "headers": {"content-type": "text/plain"},
            },
        ],
    )
    async def test_json_form_fields_and_text_mean_the_same(self, n8n, deps, sent):
        assert (await n8n.post(DEPLOY, **sent)).status_code == 202
        [asked] = deps.bus.asked
        assert (asked.target, asked.components, asked.dry_run, asked.size, asked.base) == (
            "/srv/shop",
            ("a", "b"),
            True,
            "small",
            None,
        )

    @pytest.mark.parametrize(
        "sent",
        [
            {"content": b"not json"},
            {"content": b"\xff\xfe"},
            {"json": ["a"]},
            {"json": 7},
            {"json": {"size": "huge"}},
            {"json": {"callback_until": "soon"}},
            {"json": {"callback_url": "http://a b/"}},
            {"json": {"callback_url": "file:///etc/passwd"}},
            {"data": {"size": "huge"}},
        ],
    )
    async def test_what_cannot_be_meant_is_a_problem(self, n8n, deps, sent):
        answer = await n8n.post(DEPLOY, **sent)
        assert (answer.status_code, answer.headers["content-type"]) == (
            422,
            "application/problem+json",
        )
        assert deps.bus.asked == []

    @pytest.mark.parametrize(
        ("more", "headers"),
        [({"execution_id": 12}, {}), ({}, {"Idempotency-Key": "12"})],
    )
    async def test_the_same_execution_starts_one_wave(self, n8n, deps, more, headers):
        body = {"target": "/srv/shop", "callback_url": RESUME, **more}
        answers = [await n8n.post(DEPLOY, json=body, headers=headers) for _ in range(2)]
        assert len({each.json()["wave_id"] for each in answers}) == 1
        assert len({each.wave_id for each in deps.bus.asked}) == 1

    async def test_a_refusal_is_told_at_once_and_nobody_is_called(self, n8n, deps, receiver):
        deps.bus.answers[StartWave] = Rejected("There is no repository at /srv/shop.")
        answer = await n8n.post(DEPLOY, json={"target": "/srv/shop", "callback_url": RESUME})
        assert answer.status_code == 422
        assert await deps.store.deliveries.count() == 0

    async def test_a_coordinator_that_is_away_starts_it_later(
        self, n8n, deps, sender, receiver, clock
    ):
        del deps.bus.answers[StartWave]
        answer = await n8n.post(DEPLOY, json={"target": "/srv/shop", "callback_url": RESUME})
        assert answer.status_code == 202
        [command] = deps.bus.of(StartWave)
        assert command.wave_id == answer.json()["wave_id"]
        clock.passes(minutes=11)
        await tell(sender)
        assert receiver.bodies[0]["state"] == "failed"
        assert "dead letters" in receiver.bodies[0]["note"]

    async def test_without_the_key_nothing_is_done(self, n8n):
        for path in (DEPLOY, STOP, VALIDATE):
            answer = await n8n.post(path, json={}, headers={"authorization": "Bearer no"})
            assert answer.status_code == 401

    async def test_a_private_callback_is_refused(self, n8n, deps):
        object.__setattr__(deps, "poster", ProtectedPoster())
        for url in ("http://169.254.169.254/", "http://[::1]:1/", "http://localhost/x"):
            answer = await n8n.post(DEPLOY, json={"callback_url": url})
            assert (answer.status_code, answer.json()["code"]) == (422, "address_refused")
        assert deps.bus.asked == []


async def test_a_wave_is_stopped(n8n, deps):
    wave = a_wave(state="running")
    await deps.store.waves.insert(wave)
    deps.bus.answers[StopWave] = StoppedWaves(waves=(wave.id,))
    answer = await n8n.post(STOP, data={"wave_id": wave.id, "reason": "enough"})
    assert (answer.status_code, answer.json()["waves"]) == (202, [wave.id])
    assert deps.bus.asked[0].reason == "enough"


class TestValidating:
    async def test_what_became_of_a_change_is_told(self, n8n, deps, sender, receiver):
        change = an_enhancement(state="applied")
        await deps.store.enhancements.insert(change)
        body = {"enhancement_id": change.id, "callback_url": RESUME}
        answer = await n8n.post(VALIDATE, json=body)
        assert (answer.status_code, answer.json()["state"]) == (202, "applied")
        await tell(sender)
        assert receiver.bodies[0]["verdict"]["state"] == "applied"

    async def test_an_approval_is_submitted_and_the_landing_told(
        self, n8n, deps, sender, receiver, clock
    ):
        change = an_enhancement(state="needs_approval", changed_at=NOW)
        await deps.store.enhancements.insert(change)
        body = {"enhancement_id": change.id, "action": "land", "callback_url": RESUME}
        assert (await n8n.post(VALIDATE, json=body)).status_code == 202
        [decision] = deps.bus.of(DecideEnhancement)
        assert (decision.decision, decision.by) == ("approve", "automation")
        await tell(sender)
        assert receiver.got == []
        for trigger in ("approve", "validate", "pass", "land"):
            change = await deps.store.enhancements.transition(change, trigger)
        await tell(sender)
        assert receiver.bodies[0]["state"] == "applied"

    async def test_a_rollback_is_requested_and_told(self, n8n, deps, sender, receiver, clock):
        change = an_enhancement(state="applied", landing__rollback_refusal="It conflicted.")
        await deps.store.enhancements.insert(change)
        body = {"enhancement_id": change.id, "action": "rollback", "callback_url": RESUME}
        assert (await n8n.post(VALIDATE, json=body)).status_code == 202
        assert [each.enhancement_id for each in deps.bus.of(RollbackEnhancement)] == [change.id]
        await tell(sender)
        assert receiver.got == []
        await deps.store.enhancements.transition(change, "roll_back")
        await tell(sender)
        assert receiver.bodies[0]["state"] == "rolled_back"

    async def test_a_rollback_that_is_refused_is_told(self, n8n, deps, sender, receiver):
        change = an_enhancement(state="applied")
        await deps.store.enhancements.insert(change)
        body = {"enhancement_id": change.id, "action": "rollback", "callback_url": RESUME}
        await n8n.post(VALIDATE, json=body)
        await deps.store.enhancements.set_fields(
            change.id, landing__rollback_refusal="It conflicts."
        )
        await tell(sender)
        assert (receiver.bodies[0]["state"], receiver.bodies[0]["note"]) == (
            "applied",
            "It conflicts.",
        )

    async def test_an_action_that_its_state_does_not_allow_is_a_conflict(self, n8n, deps):
        change = an_enhancement(state="rejected")
        await deps.store.enhancements.insert(change)
        for action in ("land", "rollback"):
            body = {"enhancement_id": change.id, "action": action, "callback_url": RESUME}
            assert (await n8n.post(VALIDATE, json=body)).status_code == 409
        assert await deps.store.deliveries.count() == 0


class TestHealth:
    async def test_the_newest_scores_are_told(self, n8n, deps):
        for score, minutes in ((60, 0), (80, 5)):
            each = a_health(
                a_wave(id=TARGET, target_id=TARGET),
                id=f"x:{minutes}",
                score=score,
                measured_at=NOW + timedelta(minutes=minutes),
            )
            await deps.store.health.insert(each)
        for ask in (n8n.get, n8n.post):
            told = (await ask("/webhooks/n8n/health")).json()
            assert (told["state"], told["waves"]) == ("ok", {"running": 1})
            assert [each["score"] for each in told["scores"]] == [80]
            assert told["lowest_score"] == 80

    async def test_what_does_not_answer_is_data(self, n8n, deps):
        deps.bus.there = ("api",)
        told = (await n8n.get("/webhooks/n8n/health")).json()
        assert told["state"] == "degraded"
        assert "coordinator" in told["problem"]


async def test_a_callback_that_cannot_be_made_does_not_hold_others(
    n8n, deps, sender, receiver, clock
):
    wave = (await n8n.post(DEPLOY, json={"callback_url": RESUME})).json()["wave_id"]
    # Its target is not there, so there is no report.
    await deps.store.waves.insert(a_wave(id=wave, target_id=TARGET, state="completed"))
    change = an_enhancement(state="applied")
    await deps.store.enhancements.insert(change)
    await n8n.post(VALIDATE, json={"enhancement_id": change.id, "callback_url": RESUME})
    with capture_logs() as logged:
        await tell(sender)
    assert [each["kind"] for each in receiver.bodies] == ["enhancement"]
    assert [each["event"] for each in logged] == ["callback_not_made"]
    clock.passes(hours=24)
    with capture_logs():
        await tell(sender)
    assert (receiver.bodies[1]["wave_id"], receiver.bodies[1]["state"]) == (wave, "unknown")


async def test_a_callback_is_tried_again_until_it_is_taken(n8n, deps, sender, receiver, clock):
    change = an_enhancement(state="applied")
    await deps.store.enhancements.insert(change)
    receiver.answers = [Answer(500), Answer(error="ConnectError"), Answer(302), Answer(200)]
    await n8n.post(VALIDATE, json={"enhancement_id": change.id, "callback_url": RESUME})
    for _ in range(4):
        await tell(sender)
        clock.passes(minutes=5)
    assert len(receiver.got) == 4
    assert len({(url, body) for url, body, _ in receiver.got}) == 1
    assert len({headers["webhook-id"] for *_, headers in receiver.got}) == 1
    [kept] = await deps.store.deliveries.find()
    assert (kept.state, kept.settled) == ("delivered", True)
    assert [each.status for each in kept.attempts] == [500, 0, 302, 200]
