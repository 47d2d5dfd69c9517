"""Events go out signed, in order, until they are taken; pushes come in signed, and once."""

import asyncio
import hashlib
import hmac
import json
from datetime import timedelta
from types import SimpleNamespace

import httpx
import pytest
from standardwebhooks.webhooks import Webhook as Signer

from services.api.domain.deliveries import WAITS
from services.api.main import make_app
from services.api.ports import ApiDeps
from services.api.usecases import DeliverySender, follow_events
from shared.contracts.events import TargetPushed, WebhookExhausted
from shared.http.protected import Answer
from shared.kernel.clock import utc_now
from shared.kernel.ids import uuid7
from tests.support.builders import COMMIT, NOW, a_target
from tests.support.buses import RecordingBus
from tests.support.memory import a_store
from tests.support.receivers import FakeReceiver

KEY = "the key of this home"
URL = "https://example.org/hook"
A, B, TARGET = uuid7(), uuid7(), uuid7()


class Clock:
    now = NOW

    def __call__(self):
        return self.now

    def passes(self, **time):
        self.now += timedelta(**time)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def receiver():
    return FakeReceiver()


@pytest.fixture
def deps(clock, receiver):
    return ApiDeps(
        store=a_store(),
        bus=RecordingBus(),
        ping_database=None,
        clock=clock,
        new_id=uuid7,
        poster=receiver,
    )


@pytest.fixture
async def api(deps):
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(make_app(deps, key=KEY, hosts=["127.0.0.1"])),
        base_url="http://127.0.0.1/api/v1",
        headers={"authorization": f"Bearer {KEY}"},
    ) as client:
        yield client


async def subscribed(api, **fields):
    answer = await api.post("/webhooks", json={"url": URL, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()["webhook"]["id"], answer.json()["secret"]


def an_event(number, topic="enhancement.applied", **data):
    return SimpleNamespace(
        sequence=100 + number,
        subject=f"gs.evt.{topic}",
        time=NOW,
        data={"enhancement_id": A} | data,
    )


async def happened(deps, *events):
    deps.bus.incoming.extend(events)
    await follow_events(deps)


async def send(deps):
    sender = DeliverySender(deps)
    await sender.run_once()
    await sender.finish()


def told(receiver):
    return [each["sequence"] - 100 for each in receiver.bodies]


async def test_an_event_is_signed_with_the_secret(api, deps, receiver, clock):
    clock.now = utc_now()
    _, secret = await subscribed(api)
    await happened(deps, an_event(1, title="tidy"))
    await send(deps)
    [(url, body, headers)] = receiver.got
    assert url == URL
    assert Signer(secret).verify(body, headers)["data"] == {"enhancement_id": A, "title": "tidy"}
    assert json.loads(body)["type"] == "enhancement.applied"


async def test_after_a_rotation_both_secrets_sign_for_a_day(api, deps, receiver, clock):
    clock.now = utc_now()
    webhook, old = await subscribed(api)
    new = (await api.post(f"/webhooks/{webhook}/rotate")).json()["secret"]
    await happened(deps, an_event(1))
    await send(deps)
    [(_, body, headers)] = receiver.got
    for secret in (old, new):
        Signer(secret).verify(body, headers)
    clock.passes(hours=25)
    await happened(deps, an_event(2))
    await send(deps)
    assert len(receiver.got[1][2]["webhook-signature"].split()) == 1


@pytest.mark.parametrize(
    ("fields", "taken"),
    [
        ({}, [1, 2, 3, 4]),
        ({"events": ["enhancement.*"]}, [1, 2]),
        ({"events": ["wave.finished", "enhancement.rejected"]}, [2, 3]),
        ({"targets": [TARGET]}, [3]),
        ({"fields": {"component": ["shop", "cart"]}}, [1]),
        ({"events": ["nothing"]}, []),
    ],
)
async def test_a_subscription_takes_what_it_selects(api, deps, receiver, fields, taken):
    await subscribed(api, **fields)
    await happened(
        deps,
        an_event(1, component="shop"),
        an_event(2, "enhancement.rejected", enhancement_id=B, component="x"),
        an_event(3, "wave.finished", enhancement_id=None, target_id=TARGET),
        an_event(4, "agent.idle", enhancement_id=None),
    )
    await send(deps)
    assert sorted(told(receiver)) == taken


async def test_an_event_that_is_read_twice_is_sent_once(api, deps, receiver):
    await subscribed(api)
    await happened(deps, an_event(1))
    await deps.store.cursors.set_fields("webhooks", sequence=0)
    await follow_events(deps)
    await send(deps)
    await send(deps)
    assert told(receiver) == [1]


async def test_events_about_one_change_are_sent_in_order(api, deps, receiver, clock):
    await subscribed(api)
    receiver.answers = [Answer(500)]
    await happened(deps, an_event(1), an_event(2), an_event(3, enhancement_id=B))
    await send(deps)
    assert told(receiver) == [1, 3]
    await send(deps)
    assert told(receiver) == [1, 3]
    clock.passes(seconds=10)
    for _ in range(2):
        await send(deps)
    assert told(receiver) == [1, 3, 1, 2]


async def test_a_delivery_is_tried_for_a_day_then_is_a_dead_letter_and_can_be_replayed(
    api, deps, receiver, clock
):
    webhook, _ = await subscribed(api)
    receiver.answers = [Answer(500, "no")] * (len(WAITS) + 1)
    await happened(deps, an_event(1))
    began = clock.now
    while len(receiver.got) <= len(WAITS):
        await send(deps)
        clock.passes(minutes=10)
        assert clock.now - began < timedelta(hours=48)
    assert clock.now - began > timedelta(hours=24)
    await send(deps)
    await send(deps)
    [event] = deps.bus.of(WebhookExhausted)
    assert (event.webhook_id, event.topic, event.tries) == (webhook, "enhancement.applied", 11)
    [dead] = (await api.get("/deliveries", params={"state": "dead"})).json()["items"]
    assert dead["attempts"][-1]["status"] == 500
    assert "failed 11 times" in dead["attempts"][-1]["error"]
    [replayed] = (await api.post(f"/webhooks/{webhook}/replay")).json()
    assert replayed["state"] == "pending"
    assert (await api.post(f"/deliveries/{dead['id']}/replay")).status_code == 409
    await send(deps)
    assert (await api.get(f"/deliveries/{dead['id']}")).json()["state"] == "delivered"
    assert len({headers["webhook-id"] for *_, headers in receiver.got}) == 1


async def test_a_receiver_that_is_gone_is_not_called_again(api, deps, receiver):
    webhook, _ = await subscribed(api)
    receiver.answers = [Answer(410)]
    await happened(deps, an_event(1), an_event(2))
    for _ in range(3):
        await send(deps)
    assert told(receiver) == [1]
    assert "410" in (await api.get(f"/webhooks/{webhook}")).json()["disabled"]
    assert await deps.store.deliveries.count(state="dead", settled=True) == 2


async def test_a_receiver_may_say_when(api, deps, receiver, clock):
    await subscribed(api)
    receiver.answers = [Answer(429, retry_after=120)]
    await happened(deps, an_event(1))
    await send(deps)
    clock.passes(seconds=60)
    await send(deps)
    assert len(receiver.got) == 1
    clock.passes(seconds=61)
    await send(deps)
    assert len(receiver.got) == 2


async def test_what_a_killed_process_was_sending_is_sent_again_under_its_id(
    api, deps, receiver, clock
):
    await subscribed(api)
    await happened(deps, an_event(1))
    [delivery] = await deps.store.deliveries.find()
    await deps.store.deliveries.transition(
        delivery, "send", due_at=clock.now + timedelta(seconds=60)
    )
    await send(deps)
    assert receiver.got == []
    clock.passes(seconds=61)
    for _ in range(2):
        await send(deps)
    assert [headers["webhook-id"] for *_, headers in receiver.got] == [delivery.id]


async def test_a_slow_receiver_does_not_hold_others(api, deps, receiver):
    slow, _ = await subscribed(api, events=["slow.*"])
    await subscribed(api, events=["quick.*"])
    going_on = asyncio.Event()
    post = receiver.post

    async def posting(url, body, headers):
        answer = await post(url, body, headers)
        if b"slow" in body:
            await going_on.wait()
        return answer

    receiver.post = posting
    changes = [an_event(each, "slow.thing", enhancement_id=uuid7()) for each in range(1, 8)]
    await happened(deps, *changes, an_event(9, "quick.thing"))
    sender = DeliverySender(deps)
    for _ in range(3):
        await sender.run_once()
        await asyncio.sleep(0)
    assert sorted(told(receiver)) == [1, 2, 3, 4, 9]
    going_on.set()
    await sender.finish()
    await send(deps)
    assert sorted(told(receiver)) == [1, 2, 3, 4, 5, 6, 7, 9]
    assert await deps.store.deliveries.count(webhook_id=slow, state="delivered") == 7


async def test_a_test_event_is_sent_and_logged(api, deps, receiver):
    webhook, _ = await subscribed(api)
    sent = (await api.post(f"/webhooks/{webhook}/test")).json()
    await send(deps)
    assert receiver.bodies[0]["type"] == "webhook.test"
    [logged] = (await api.get("/deliveries", params={"webhook": webhook})).json()["items"]
    assert (logged["id"], logged["attempts"][0]["answer"]) == (sent["id"], "ok")


async def test_a_webhook_is_changed_switched_off_and_deleted(api, deps, receiver):
    webhook, secret = await subscribed(api)
    listed = (await api.get("/webhooks")).text
    assert secret not in listed
    changed = await api.patch(f"/webhooks/{webhook}", json={"enabled": False, "events": ["a.*"]})
    assert (changed.json()["disabled"], changed.json()["events"]) == (
        "It was switched off.",
        ["a.*"],
    )
    assert (await api.post(f"/webhooks/{webhook}/test")).status_code == 409
    assert (await api.patch(f"/webhooks/{webhook}", json={"url": "ftp://x"})).status_code == 422
    assert (await api.delete(f"/webhooks/{webhook}")).status_code == 204
    assert (await api.get(f"/webhooks/{webhook}")).status_code == 404


PUSH = {
    "ref": "refs/heads/main",
    "after": COMMIT,
    "repository": {"clone_url": "https://github.com/Acme/shop.git", "ssh_url": "x"},
}


async def a_sender(api, kind="github"):
    made = (await api.post("/webhooks/senders", json={"kind": kind})).json()
    return f"http://127.0.0.1/webhooks/in/{made['webhook']['id']}", made["secret"]


def by_github(secret, body, delivery="1"):
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"X-Hub-Signature-256": f"sha256={digest}", "X-GitHub-Delivery": delivery}


def by_standard(secret, body, delivery="1", at=None):
    at = at or utc_now()
    return {
        "webhook-id": delivery,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Signer(secret).sign(delivery, at, body.decode()),
    }


@pytest.mark.parametrize(("kind", "signed"), [("github", by_github), ("standard", by_standard)])
async def test_a_push_wakes_its_target_once(api, deps, kind, signed):
    for location, branch in (
        ("git@github.com:acme/shop.git", "main"),
        ("https://github.com/acme/shop", "next"),
        ("https://github.com/acme/other", "main"),
    ):
        await deps.store.targets.insert(a_target(location=location, base_branch=branch))
    url, secret = await a_sender(api, kind)
    body = json.dumps(PUSH).encode()
    headers = {**signed(secret, body), "authorization": ""}
    answer = await api.post(url, content=body, headers=headers)
    assert answer.status_code == 202, answer.text
    [event] = deps.bus.of(TargetPushed)
    [target] = await deps.store.targets.find(location="git@github.com:acme/shop.git")
    assert (event.target_id, event.branch, event.commit) == (target.id, "main", COMMIT)
    again = await api.post(url, content=body, headers=headers)
    assert (again.status_code, again.json()["repeated"]) == (202, True)
    assert len(deps.bus.of(TargetPushed)) == 1


@pytest.mark.parametrize("body", [b"{}", b"not json", b"\xff", b"[1]", b'{"ref": 7}', b""])
async def test_what_is_no_push_is_accepted_and_wakes_nothing(api, deps, body):
    url, secret = await a_sender(api)
    answer = await api.post(url, content=body, headers=by_github(secret, body))
    assert (answer.status_code, deps.bus.published) == (202, [])


STRANGE = [
    "",
    "v1",
    "v1,",
    "v1,,",
    "v1,ä".encode(),
    "v1,!!",
    "sha256=",
    "sha256=ä".encode(),
    "x" * 5000,
]


@pytest.mark.parametrize("kind", ["github", "standard"])
@pytest.mark.parametrize("signature", STRANGE)
async def test_a_wrong_signature_is_refused(api, deps, kind, signature):
    url, _ = await a_sender(api, kind)
    for time in ("", "soon", "1e999", "nan", str(int(utc_now().timestamp()))):
        headers = {
            "webhook-id": "1",
            "webhook-timestamp": time,
            "webhook-signature": signature,
            "x-hub-signature-256": signature,
            "x-github-delivery": "1",
        }
        answer = await api.post(url, content=b"\xff{}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "wrong_signature")


async def test_an_old_message_a_foreign_secret_and_an_unknown_sender_are_refused(api, deps):
    url, secret = await a_sender(api, "standard")
    body, late = json.dumps(PUSH).encode(), utc_now() - timedelta(minutes=6)
    nobody = f"http://127.0.0.1/webhooks/in/{uuid7()}"
    for place, headers in (
        (url, by_standard(secret, body, at=late)),
        (url, by_standard("whsec_AAAA", body)),
        (nobody, by_standard(secret, body)),
    ):
        assert (await api.post(place, content=body, headers=headers)).status_code == 401
    assert deps.bus.published == []


async def test_a_backlog_of_one_receiver_does_not_hold_others(api, deps, receiver):
    await subscribed(api, events=["many.*"])
    await subscribed(api, events=["few.*"])
    receiver.answers = [Answer(500)]
    await happened(deps, *(an_event(each, "many.thing") for each in range(1, 700)))
    await send(deps)
    await happened(deps, an_event(900, "few.thing"))
    await send(deps)
    assert told(receiver) == [1, 900]
