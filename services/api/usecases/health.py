"""Whether everything is there, and what is going on."""

from services.api.ports import ApiDeps
from shared.contracts.answers import Ready, Status
from shared.contracts.commands import GetStatus
from shared.kernel.errors import Transient

SERVICES = frozenset({"coordinator", "agents", "resolver", "validator", "api"})


async def check_ready(deps: ApiDeps) -> Ready:
    """Raises `Transient`, naming what does not answer."""
    if not deps.bus.connected:
        raise Transient("NATS is not connected.")
    await deps.ping_database()
    names = set(await deps.bus.ping(SERVICES))
    missing = sorted(SERVICES - names)
    if missing:
        raise Transient(f"No answer from {', '.join(missing)}.")
    return Ready(services=tuple(sorted(names)))


async def get_status(deps: ApiDeps) -> Status:
    """Counts of what is open, asked of the coordinator."""
    return await deps.bus.request(GetStatus(), Status)
