"""Accepting commands over HTTP: each is recorded in the audit trail and published durably."""

from services.api.ports import ApiDeps
from shared.contracts.base import Message
from shared.contracts.documents.audit import AuditRecord


async def record_and_publish(command: Message, deps: ApiDeps, *, key: str, wave: str = "") -> int:
    """Record and publish `command`; return the sequence number of the last event before it."""
    events_before = await deps.bus.last_sequence()
    await deps.store.audit.insert(
        AuditRecord(
            id=deps.new_id(),
            action=command.subject.removeprefix("gs.cmd."),
            subject=command.model_dump(mode="json"),
            channel="http",
            at=deps.clock(),
            key_id=deps.caller.key_id,
            key_name=deps.caller.name,
        )
    )
    await deps.bus.publish(command, key=key, wave=wave)
    return events_before
