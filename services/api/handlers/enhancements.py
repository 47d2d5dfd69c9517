"""RPC endpoints about proposed and landed changes."""

from typing import Any

from services.api import usecases
from services.api.ports import ApiDeps
from shared.contracts.answers import DecisionAccepted, RollbackAccepted
from shared.contracts.commands import (
    DecideEnhancement,
    DecisionReason,
    RollbackEnhancement,
    RollbackOptions,
)
from shared.messaging.rpc import Endpoint


def answers(deps: ApiDeps) -> tuple[Endpoint[Any, Any], ...]:
    """Return the RPC endpoints about changes."""

    async def roll_back(command: RollbackEnhancement) -> RollbackAccepted:
        """Request the rollback of a landed change."""
        options = RollbackOptions(reason=command.reason, dependents=command.dependents)
        return await usecases.roll_back_enhancement(command.enhancement_id, options, deps)

    async def decide(command: DecideEnhancement) -> DecisionAccepted:
        """Submit a person's decision about a change that needs approval."""
        given = DecisionReason(reason=command.reason, by=command.by, patch=command.patch)
        return await usecases.submit_decision(command.enhancement_id, command.decision, given, deps)

    return (
        Endpoint(RollbackEnhancement, RollbackAccepted, roll_back),
        Endpoint(DecideEnhancement, DecisionAccepted, decide),
    )
