"""What a client asks the API about webhooks and deliveries."""

from cli.requests import Requests
from shared.contracts.commands import NewSender, NewWebhook, WebhookChange
from shared.contracts.views import DeliveryView, WebhookSecret, WebhookView


class WebhookRequests(Requests):
    """The requests about webhooks, for a client that can send any."""

    async def create_webhook(self, wanted: NewWebhook) -> WebhookSecret:
        """Subscribe a URL to events."""
        return await self._post(WebhookSecret, "/webhooks", wanted)

    async def create_sender(self, wanted: NewSender) -> WebhookSecret:
        """Let a sender tell of pushes."""
        return await self._post(WebhookSecret, "/webhooks/senders", wanted)

    async def webhooks(self, limit: int) -> list[WebhookView]:
        """Return the newest webhooks."""
        return await self._list(WebhookView, "/webhooks", limit)

    async def change_webhook(self, webhook: str, change: WebhookChange) -> WebhookView:
        """Change a webhook."""
        body = change.model_dump(mode="json", exclude_none=True)
        return await self._request(WebhookView, "PATCH", f"/webhooks/{webhook}", json=body)

    async def delete_webhook(self, webhook: str) -> None:
        """Delete a webhook."""
        await self._send("DELETE", f"/webhooks/{webhook}")

    async def rotate_secret(self, webhook: str) -> WebhookSecret:
        """Give a webhook a new secret."""
        return await self._request(WebhookSecret, "POST", f"/webhooks/{webhook}/rotate")

    async def send_test(self, webhook: str) -> DeliveryView:
        """Send a webhook a test event."""
        return await self._request(DeliveryView, "POST", f"/webhooks/{webhook}/test")

    async def deliveries(self, webhook: str, state: str, limit: int) -> list[DeliveryView]:
        """Return the newest deliveries, for one webhook or all, in one state or any."""
        where = {"webhook": webhook, **({"state": state} if state else {})}
        return await self._list(DeliveryView, "/deliveries", limit, **where)

    async def delivery(self, delivery: str) -> DeliveryView:
        """Return one delivery and each try of it."""
        return await self._request(DeliveryView, "GET", f"/deliveries/{delivery}")

    async def replay_delivery(self, delivery: str) -> DeliveryView:
        """Send something again."""
        return await self._request(DeliveryView, "POST", f"/deliveries/{delivery}/replay")
