"""Subscriptions and senders, the log of what was delivered, and sending it again."""

import base64
import json
import os
from datetime import timedelta
from typing import Any

from services.api.ports import ApiDeps
from services.api.usecases.find import find_by_id, find_page
from services.api.usecases.subscriptions import LIFETIME
from shared.contracts.commands import NewSender, NewWebhook, WebhookChange
from shared.contracts.documents.webhooks import Delivery, SigningSecret, Webhook
from shared.contracts.states import DeliveryState
from shared.contracts.views import (
    DeliveryView,
    Page,
    WebhookSecret,
    WebhookView,
    delivery_view,
    webhook_view,
)
from shared.kernel.errors import Conflict

SECRET_BYTES = 32
# How long a receiver has to learn the new secret.
ROTATION = timedelta(hours=24)
SWITCHED_OFF = "It was switched off."
MAX_REPLAYED = 1000


def _new_secret() -> str:
    """Return a new secret, in the form of Standard Webhooks."""
    return f"whsec_{base64.b64encode(os.urandom(SECRET_BYTES)).decode()}"


async def create_webhook(wanted: NewWebhook, deps: ApiDeps) -> WebhookSecret:
    """Store a subscription to the events from now on. Raises `AddressRefused` for its URL."""
    await deps.poster.check(wanted.url)
    return await _create(
        Webhook(
            id=deps.new_id(),
            **wanted.model_dump(),
            after=await deps.bus.last_sequence(),
            created_at=deps.clock(),
        ),
        deps,
    )


async def create_sender(wanted: NewSender, deps: ApiDeps) -> WebhookSecret:
    """Let a sender tell us of pushes, by a secret that both know."""
    sender = Webhook(
        id=deps.new_id(), direction="in", events=(), created_at=deps.clock(), **wanted.model_dump()
    )
    return await _create(sender, deps)


async def _create(webhook: Webhook, deps: ApiDeps) -> WebhookSecret:
    """Store a webhook with a new secret, which is told this once."""
    secret = SigningSecret(text=_new_secret())
    webhook = webhook.updated(secrets=(secret,))
    if not await deps.store.webhooks.insert(webhook):
        raise Conflict(
            f"The webhook {webhook.id} was made before, and its secret is shown once only.",
            hint="Rotate it, which makes another one.",
            code="webhook_was_made",
        )
    return WebhookSecret(webhook=webhook_view(webhook), secret=secret.text)


async def list_webhooks(limit: int, after: str, deps: ApiDeps) -> Page[WebhookView]:
    """Return a page of webhooks, newest first."""
    return await find_page(deps.store.webhooks, webhook_view, limit, after)


async def get_webhook(typed: str, deps: ApiDeps) -> WebhookView:
    """Return a webhook, without its secrets."""
    return webhook_view(await _find(typed, deps))


async def change_webhook(typed: str, change: WebhookChange, deps: ApiDeps) -> WebhookView:
    """Change a webhook: its URL, its events, or whether anything is sent at all."""
    webhook = await _find(typed, deps)
    changes = change.model_dump(exclude_none=True, exclude={"enabled"})
    if change.url is not None:
        await deps.poster.check(change.url)
    if change.enabled is not None:
        changes["disabled"] = "" if change.enabled else SWITCHED_OFF
    return webhook_view(await _save(webhook.updated(**changes), deps))


async def rotate_secret(typed: str, deps: ApiDeps) -> WebhookSecret:
    """Give a webhook a new secret; the old one signs as well for a day."""
    webhook = await _find(typed, deps)
    secret = SigningSecret(text=_new_secret())
    old = webhook.secrets[0].model_copy(update={"until": deps.clock() + ROTATION})
    saved = await _save(webhook.updated(secrets=(secret, old)), deps)
    return WebhookSecret(webhook=webhook_view(saved), secret=secret.text)


async def delete_webhook(typed: str, deps: ApiDeps) -> None:
    """Delete a webhook; what is still to be delivered for it is given up."""
    await deps.store.webhooks.remove((await _find(typed, deps)).id)


async def send_test(typed: str, deps: ApiDeps) -> DeliveryView:
    """Send a subscription an event of the type `webhook.test`."""
    webhook = await _find(typed, deps)
    if webhook.direction == "in" or webhook.disabled:
        raise Conflict("Nothing is sent for this webhook.", code="not_sending")
    now, identity = deps.clock(), deps.new_id()
    body = {"type": "webhook.test", "time": now.isoformat(), "data": {"webhook_id": webhook.id}}
    delivery = Delivery(
        id=identity,
        kind="test",
        webhook_id=webhook.id,
        url=webhook.url,
        topic="webhook.test",
        lane=identity,
        body=json.dumps(body),
        state=DeliveryState.PENDING,
        due_at=now,
        until=now + LIFETIME,
        created_at=now,
        changed_at=now,
    )
    await deps.store.deliveries.insert(delivery)
    return delivery_view(delivery)


async def list_deliveries(
    webhook: str, state: DeliveryState | None, limit: int, after: str, deps: ApiDeps
) -> Page[DeliveryView]:
    """Return a page of deliveries, newest first: for one webhook or all, in one state or any."""
    where: dict[str, Any] = {"state": state} if state else {}
    if webhook:
        where["webhook_id"] = (await _find(webhook, deps)).id
    return await find_page(deps.store.deliveries, delivery_view, limit, after, **where)


async def get_delivery(typed: str, deps: ApiDeps) -> DeliveryView:
    """Return a delivery and each try of it."""
    return delivery_view(await find_by_id(deps.store.deliveries, typed, "delivery"))


async def replay_delivery(typed: str, deps: ApiDeps) -> DeliveryView:
    """Send something again, under the same id. Raises `Conflict` while it is under way."""
    delivery = await find_by_id(deps.store.deliveries, typed, "delivery")
    replayed = await _replay(delivery, deps)
    if replayed is None:
        raise Conflict("It is still to be delivered.", code="under_way")
    return delivery_view(replayed)


async def replay_dead(typed: str, deps: ApiDeps) -> tuple[DeliveryView, ...]:
    """Send again whatever could not be delivered for a webhook."""
    webhook = await _find(typed, deps)
    dead = await deps.store.deliveries.find(
        webhook_id=webhook.id, state=DeliveryState.DEAD, sort="sequence", limit=MAX_REPLAYED
    )
    replayed = [await _replay(each, deps) for each in dead]
    return tuple(delivery_view(each) for each in replayed if each is not None)


async def _replay(delivery: Delivery, deps: ApiDeps) -> Delivery | None:
    """Queue a delivery again with all its tries; None if it is under way."""
    now = deps.clock()
    return await deps.store.deliveries.transition(
        delivery,
        "replay",
        tries=0,
        settled=False,
        due_at=now,
        until=now + LIFETIME,
        changed_at=now,
        finished_at=None,
    )


async def _find(typed: str, deps: ApiDeps) -> Webhook:
    """Return the webhook whose id is `typed` or ends with it; raises as `find_by_id` does."""
    return await find_by_id(deps.store.webhooks, typed, "webhook")


async def _save(webhook: Webhook, deps: ApiDeps) -> Webhook:
    """Store a changed webhook. Raises `Conflict` where somebody else changed it just now."""
    saved = await deps.store.webhooks.save(webhook)
    if saved is None:
        raise Conflict("Somebody changed it at the same time.", code="changed_meanwhile")
    return saved
