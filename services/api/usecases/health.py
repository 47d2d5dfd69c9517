"""Readiness of the stack, and counts of the work in progress."""

from services.api.ports import ApiDeps
from services.api.usecases.access import require_all_targets
from shared.contracts.answers import Readiness, Status
from shared.contracts.commands import GetStatus
from shared.kernel.errors import Transient

SERVICES = frozenset({"coordinator", "agents", "resolver", "validator", "api"})


async def check_ready(deps: ApiDeps) -> Readiness:
    """Return the services that answer; raise `Transient` naming what does not."""
    if not deps.bus.connected:
        raise Transient("NATS is not connected.")
    await deps.ping_database()
    if lost := await deps.bus.missing_streams():
        raise Transient(f"These streams or consumers of JetStream do not exist: {', '.join(lost)}.")
    answering = set(await deps.bus.ping(SERVICES))
    missing = sorted(SERVICES - answering)
    if missing:
        raise Transient(f"No answer from {', '.join(missing)}.")
    return Readiness(services=tuple(sorted(answering)))


async def get_status(deps: ApiDeps) -> Status:
    """Return the coordinator's counts, by state, of agents and of unfinished work."""
    require_all_targets(deps)
    return await deps.bus.request(GetStatus(), Status)
