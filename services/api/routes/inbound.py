"""The route for senders, who sign what they send and have no key."""

from fastapi import APIRouter, Request

from services.api import usecases
from services.api.routes.access import Open
from shared.contracts.answers import MessageReceived
from shared.contracts.base import Id
from shared.contracts.http import INBOUND_PREFIX


def inbound_routes() -> APIRouter:
    """Return the route for senders."""
    router = APIRouter(tags=["webhooks"])

    @router.post(f"{INBOUND_PREFIX}{{sender}}", status_code=202)
    async def receive_message(deps: Open, sender: Id, request: Request) -> MessageReceived:
        """Receive a message that a sender signed: GitHub's way, or by Standard Webhooks."""
        body = await request.body()
        return await usecases.receive_message(sender, request.headers, body, deps)

    return router
