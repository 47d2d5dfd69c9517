"""Whether everything is there, and what is going on."""

from services.api.ports import Desk
from shared.contracts.answers import Ready, Status
from shared.contracts.commands import GetStatus
from shared.kernel.errors import Transient

SERVICES = frozenset({"coordinator", "agents", "resolver", "validator", "api"})


async def check_ready(desk: Desk) -> Ready:
    """Raises `Transient`, naming what does not answer."""
    if not desk.bus.connected:
        raise Transient("NATS is not connected.")
    await desk.ping_database()
    names = set(await desk.bus.ping(SERVICES))
    missing = sorted(SERVICES - names)
    if missing:
        raise Transient(f"No answer from {', '.join(missing)}.")
    return Ready(services=tuple(sorted(names)))


async def get_status(desk: Desk) -> Status:
    """Counts of what is open, asked of the coordinator."""
    return await desk.bus.request(GetStatus(), Status)
