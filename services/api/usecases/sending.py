"""A command that came over HTTP: written down, and handed over durably."""

from services.api.ports import ApiDeps
from shared.contracts.base import Message
from shared.contracts.documents.audit import AuditRecord


async def send(command: Message, deps: ApiDeps, *, key: str, wave: str = "") -> int:
    """Write it down and send it; the event sequence before it."""
    after = await deps.bus.last_sequence()
    await deps.store.audit.insert(
        AuditRecord(
            id=deps.new_id(),
            action=command.subject.removeprefix("gs.cmd."),
            subject=command.model_dump(mode="json"),
            channel="http",
            at=deps.clock(),
        )
    )
    await deps.bus.publish(command, key=key, wave=wave)
    return after
