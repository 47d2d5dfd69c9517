"""The envelope of a message: CloudEvents 1.0 attributes and W3C trace context, in headers."""

from shared.contracts.base import Message
from shared.kernel.clock import Clock
from shared.kernel.ids import NewId

MESSAGE_ID = "Nats-Msg-Id"


def headers(
    message: Message, *, key: str, source: str, wave: str, clock: Clock, new_id: NewId
) -> dict[str, str]:
    """Return the headers for `message`, which belongs to `wave` if that is not empty.

    `key` identifies it for deduplication: within the streams' duplicate window a second message
    with the same key is not stored.
    """
    identity = new_id()
    return {
        "content-type": "application/json",
        "ce-specversion": "1.0",
        "ce-id": identity,
        "ce-type": message.subject,
        "ce-source": f"/groundswell/{source}",
        "ce-time": clock().isoformat(),
        "ce-correlationid": wave or identity,
        "traceparent": traceparent(wave or identity, identity),
        MESSAGE_ID: key,
    }


def traceparent(trace: str, span: str) -> str:
    """Return a W3C trace context (version 00) from two UUIDs: the wave's and the message's."""
    return f"00-{trace.replace('-', '')}-{span.replace('-', '')[-16:]}-01"
