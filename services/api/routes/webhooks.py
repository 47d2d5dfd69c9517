"""Routes under /webhooks and /deliveries."""

from fastapi import APIRouter

from services.api import usecases
from services.api.ports import ApiDeps
from services.api.routes.paging import After, Limit
from shared.contracts.commands import NewSender, NewWebhook, WebhookChange
from shared.contracts.states import DeliveryState
from shared.contracts.views import DeliveryView, Page, WebhookSecret, WebhookView


def webhook_routes(deps: ApiDeps) -> APIRouter:
    """Return the routes under /webhooks."""
    router = APIRouter(tags=["webhooks"])

    @router.post("/webhooks", status_code=201)
    async def create_webhook(wanted: NewWebhook) -> WebhookSecret:
        """Subscribe a URL to events; the secret that signs them is shown this once."""
        return await usecases.create_webhook(wanted, deps)

    @router.post("/webhooks/senders", status_code=201)
    async def create_sender(wanted: NewSender) -> WebhookSecret:
        """Let a sender tell of pushes at `/webhooks/in/ID`, with a secret shown this once."""
        return await usecases.create_sender(wanted, deps)

    @router.get("/webhooks")
    async def list_webhooks(limit: Limit = 100, after: After = None) -> Page[WebhookView]:
        """Return a page of webhooks, newest first."""
        return await usecases.list_webhooks(limit, after or "", deps)

    @router.get("/webhooks/{webhook}")
    async def get_webhook(webhook: str) -> WebhookView:
        """Return a webhook, without its secrets."""
        return await usecases.get_webhook(webhook, deps)

    @router.patch("/webhooks/{webhook}")
    async def change_webhook(webhook: str, change: WebhookChange) -> WebhookView:
        """Change a webhook, or switch it off or on."""
        return await usecases.change_webhook(webhook, change, deps)

    @router.delete("/webhooks/{webhook}", status_code=204)
    async def delete_webhook(webhook: str) -> None:
        """Delete a webhook."""
        await usecases.delete_webhook(webhook, deps)

    @router.post("/webhooks/{webhook}/test", status_code=202)
    async def send_test(webhook: str) -> DeliveryView:
        """Send an event of the type `webhook.test`."""
        return await usecases.send_test(webhook, deps)

    @router.post("/webhooks/{webhook}/rotate")
    async def rotate_secret(webhook: str) -> WebhookSecret:
        """Give a webhook a new secret, shown this once; the old one signs as well for a day."""
        return await usecases.rotate_secret(webhook, deps)

    @router.post("/webhooks/{webhook}/replay", status_code=202)
    async def replay_dead(webhook: str) -> tuple[DeliveryView, ...]:
        """Send again whatever could not be delivered for a webhook."""
        return await usecases.replay_dead(webhook, deps)

    return router


def delivery_routes(deps: ApiDeps) -> APIRouter:
    """Return the routes under /deliveries."""
    router = APIRouter(tags=["webhooks"])

    @router.get("/deliveries")
    async def list_deliveries(
        webhook: str = "",
        state: DeliveryState | None = None,
        limit: Limit = 100,
        after: After = None,
    ) -> Page[DeliveryView]:
        """Return a page of deliveries, newest first; `state=dead` are the dead letters."""
        return await usecases.list_deliveries(webhook, state, limit, after or "", deps)

    @router.get("/deliveries/{delivery}")
    async def get_delivery(delivery: str) -> DeliveryView:
        """Return a delivery and each try of it."""
        return await usecases.get_delivery(delivery, deps)

    @router.post("/deliveries/{delivery}/replay", status_code=202)
    async def replay_delivery(delivery: str) -> DeliveryView:
        """Send something again, under the same id."""
        return await usecases.replay_delivery(delivery, deps)

    return router
