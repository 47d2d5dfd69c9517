"""The resolver's doors: proposals in, leases by request."""

from typing import Any

from faststream.nats import NatsRouter

from services.resolver import usecases
from services.resolver.usecases import Desk
from shared.contracts.answers import Done
from shared.contracts.commands import AcquireLease, LeaseGrant, ReleaseLease, RenewLease
from shared.contracts.streams import PROPOSALS_SUBMITTED
from shared.contracts.work import ProposalSubmitted
from shared.messaging.consumers import work
from shared.messaging.rpc import Endpoint


def handlers(desk: Desk) -> NatsRouter:
    """Subscribers over `desk`."""
    router = NatsRouter()

    @router.subscriber(PROPOSALS_SUBMITTED.filter, **work(PROPOSALS_SUBMITTED))
    async def on_proposal_submitted(event: ProposalSubmitted) -> None:
        await usecases.clear_proposal(event, desk)

    return router


def answers(desk: Desk) -> tuple[Endpoint[Any, Any], ...]:
    """Requests over `desk`."""
    return (
        Endpoint(AcquireLease, LeaseGrant, lambda request: usecases.acquire(request, desk)),
        Endpoint(RenewLease, LeaseGrant, lambda request: usecases.renew(request, desk)),
        Endpoint(ReleaseLease, Done, lambda request: usecases.release(request, desk)),
    )
