"""Dead letters: messages that no handler could process, with the reason and a replay command.

The body is stored as it came; headers tell why, how often it was delivered, and how to replay it.
"""

import shlex

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from shared.messaging.bus import PUBLISH_TIMEOUT_SECONDS
from shared.messaging.envelope import MESSAGE_ID

log = structlog.get_logger(__name__)

MAX_INLINE_REPLAY_CHARS = 2000
MAX_REASON_CHARS = 1000
MAX_TERM_REASON_CHARS = 200


class DeadLetters:
    """Publishes dead letters to `gs.dlq.<stream>.<consumer>`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._jetstream = client.jetstream(timeout=PUBLISH_TIMEOUT_SECONDS)

    async def store(self, message: Msg, reason: str) -> None:
        """Store `message` as a dead letter durably, and only then end it on its own stream."""
        meta = message.metadata
        subject = f"gs.dlq.{meta.stream}.{meta.consumer}"
        headers = _headers(message.subject, message.data, reason, meta.num_delivered)
        headers[MESSAGE_ID] = f"dlq:{meta.stream}:{meta.consumer}:{meta.sequence.stream}"
        await self._jetstream.publish(subject, message.data, headers=headers)
        log.warning("message_dead_lettered", to=subject, reason=reason)
        # `+TERM reason` is the protocol's own way to put a reason into the server's advisory.
        term = f"+TERM {_printable_line(reason)[:MAX_TERM_REASON_CHARS]}"
        await self._client.publish(message.reply, term.encode())
        message._ackd = True  # noqa: SLF001 - nats-py has no term with a reason

    async def store_request(self, endpoint: str, subject: str, body: bytes, reason: str) -> None:
        """Store the body of an RPC request that could not be decoded."""
        headers = _headers(subject, body, reason, 1)
        await self._jetstream.publish(f"gs.dlq.rpc.{endpoint}", body, headers=headers)


def _headers(subject: str, body: bytes, reason: str, deliveries: int) -> dict[str, str]:
    """Return a dead letter's headers: original subject, reason, deliveries, replay command."""
    return {
        "gs-subject": subject,
        "gs-reason": _printable_line(reason)[:MAX_REASON_CHARS],
        "gs-deliveries": str(deliveries),
        "gs-replay": _replay_command(subject, body),
    }


def _replay_command(subject: str, body: bytes) -> str:
    """Return a shell command that sends a message again.

    It contains a short text; a long or binary body it reads from the stored dead letter.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = ""
    if text and text.isprintable() and len(text) <= MAX_INLINE_REPLAY_CHARS:
        return f"nats pub {subject} {shlex.quote(text)}"
    return (
        "nats stream get GS_DLQ <sequence> --json | jq -r .data | base64 -d "
        f"| nats pub {subject} --force-stdin"
    )


def _printable_line(text: str) -> str:
    """Return `text` as one printable line, which is all that a header may contain."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
