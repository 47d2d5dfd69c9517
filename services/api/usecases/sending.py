"""A command that came over HTTP: written down, and handed over durably."""

from services.api.ports import Desk
from shared.contracts.base import Message
from shared.contracts.documents.audit import Audit


async def send(command: Message, desk: Desk, *, key: str, wave: str = "") -> int:
    """Write it down and send it; the event sequence before it."""
    after = await desk.bus.last_sequence()
    await desk.store.audit.insert(
        Audit(
            id=desk.new_id(),
            action=command.subject.removeprefix("gs.cmd."),
            subject=command.model_dump(mode="json"),
            door="http",
            at=desk.clock(),
        )
    )
    await desk.bus.publish(command, key=key, wave=wave)
    return after
