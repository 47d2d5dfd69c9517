"""Routes under /webhooks and /deliveries."""

from fastapi import APIRouter, Response

from services.api import usecases
from services.api.routes.access import Administering
from services.api.routes.paging import After, Limit
from services.api.routes.secrets import shown_once
from shared.contracts.commands import NewSender, NewWebhook, WebhookChange
from shared.contracts.states import DeliveryState
from shared.contracts.views import DeliveryView, Page, WebhookSecret, WebhookView


def webhook_routes() -> APIRouter:
    """Return the routes under /webhooks."""
    router = APIRouter(tags=["webhooks"])

    @router.post("/webhooks", status_code=201)
    async def create_webhook(
        deps: Administering, wanted: NewWebhook, response: Response
    ) -> WebhookSecret:
        """Subscribe a URL to events; the secret that signs them is shown this once."""
        return shown_once(await usecases.create_webhook(wanted, deps), response)

    @router.post("/webhooks/senders", status_code=201)
    async def create_sender(
        deps: Administering, wanted: NewSender, response: Response
    ) -> WebhookSecret:
        """Let a sender tell of pushes at `/webhooks/in/ID`, with a secret shown this once."""
        return shown_once(await usecases.create_sender(wanted, deps), response)

    @router.get("/webhooks")
    async def list_webhooks(
        deps: Administering, limit: Limit = 100, after: After = None
    ) -> Page[WebhookView]:
        """Return a page of webhooks, newest first."""
        return await usecases.list_webhooks(limit, after or "", deps)

    @router.get("/webhooks/{webhook}")
    async def get_webhook(deps: Administering, webhook: str) -> WebhookView:
        """Return a webhook, without its secrets."""
        return await usecases.get_webhook(webhook, deps)

    @router.patch("/webhooks/{webhook}")
    async def change_webhook(
        deps: Administering, webhook: str, change: WebhookChange
    ) -> WebhookView:
        """Change a webhook, or switch it off or on."""
        return await usecases.change_webhook(webhook, change, deps)

    @router.delete("/webhooks/{webhook}", status_code=204)
    async def delete_webhook(deps: Administering, webhook: str) -> None:
        """Delete a webhook."""
        await usecases.delete_webhook(webhook, deps)

    @router.post("/webhooks/{webhook}/test", status_code=202)
    async def send_test(deps: Administering, webhook: str) -> DeliveryView:
        """Send an event of the type `webhook.test`."""
        return await usecases.send_test(webhook, deps)

    @router.post("/webhooks/{webhook}/rotate")
    async def rotate_secret(deps: Administering, webhook: str, response: Response) -> WebhookSecret:
        """Give a webhook a new secret, shown this once; the old one signs as well for a day."""
        return shown_once(await usecases.rotate_secret(webhook, deps), response)

    @router.post("/webhooks/{webhook}/replay", status_code=202)
    async def replay_dead(deps: Administering, webhook: str) -> tuple[DeliveryView, ...]:
        """Send again whatever could not be delivered for a webhook."""
        return await usecases.replay_dead(webhook, deps)

    return router


def delivery_routes() -> APIRouter:
    """Return the routes under /deliveries."""
    router = APIRouter(tags=["webhooks"])

    @router.get("/deliveries")
    async def list_deliveries(
        deps: Administering,
        webhook: str = "",
        state: DeliveryState | None = None,
        limit: Limit = 100,
        after: After = None,
    ) -> Page[DeliveryView]:
        """Return a page of deliveries, newest first; `state=dead` are the dead letters."""
        return await usecases.list_deliveries(webhook, state, limit, after or "", deps)

    @router.get("/deliveries/{delivery}")
    async def get_delivery(deps: Administering, delivery: str) -> DeliveryView:
        """Return a delivery and each try of it."""
        return await usecases.get_delivery(delivery, deps)

    @router.post("/deliveries/{delivery}/replay", status_code=202)
    async def replay_delivery(deps: Administering, delivery: str) -> DeliveryView:
        """Send something again, under the same id."""
        return await usecases.replay_delivery(delivery, deps)

    return router
