"""Message handlers and RPC endpoints of the resolver."""

from typing import Any

from faststream.nats import NatsRouter

from services.resolver import usecases
from services.resolver.usecases import ResolverDeps
from shared.contracts.answers import Acknowledgement
from shared.contracts.commands import (
    AcquireLease,
    ExtendLease,
    LeaseGrant,
    ReleaseLease,
    RenewLease,
)
from shared.contracts.streams import PROPOSALS_SUBMITTED
from shared.contracts.work import ProposalSubmitted
from shared.messaging.consumers import subscriber_options
from shared.messaging.rpc import Endpoint


def handlers(deps: ResolverDeps) -> NatsRouter:
    """Return the message handlers of the resolver."""
    router = NatsRouter()

    @router.subscriber(PROPOSALS_SUBMITTED.filter, **subscriber_options(PROPOSALS_SUBMITTED))
    async def on_proposal_submitted(event: ProposalSubmitted) -> None:
        """Decide on the proposal that an agent has submitted, and publish the outcome."""
        await usecases.clear_proposal(event, deps)

    return router


def answers(deps: ResolverDeps) -> tuple[Endpoint[Any, Any], ...]:
    """Return the RPC endpoints of the resolver."""
    return (
        Endpoint(AcquireLease, LeaseGrant, lambda request: usecases.acquire(request, deps)),
        Endpoint(ExtendLease, LeaseGrant, lambda request: usecases.extend(request, deps)),
        Endpoint(RenewLease, LeaseGrant, lambda request: usecases.renew(request, deps)),
        Endpoint(ReleaseLease, Acknowledgement, lambda request: usecases.release(request, deps)),
    )
