"""Dead letters: the body as it came, and in headers why, how often, and how to replay it."""

import shlex

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from shared.messaging.bus import PUBLISH_TIMEOUT
from shared.messaging.envelope import MESSAGE_ID

log = structlog.get_logger(__name__)
REPLAY_INLINE = 2000


class DeadLetters:
    """Writes to `gs.dlq.<stream>.<consumer>`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._jetstream = client.jetstream(timeout=PUBLISH_TIMEOUT)

    async def bury(self, message: Msg, reason: str) -> None:
        """Store the letter durably first, then end the message on its own stream."""
        meta = message.metadata
        subject = f"gs.dlq.{meta.stream}.{meta.consumer}"
        headers = _headers(message.subject, message.data, reason, meta.num_delivered)
        headers[MESSAGE_ID] = f"dlq:{meta.stream}:{meta.consumer}:{meta.sequence.stream}"
        await self._jetstream.publish(subject, message.data, headers=headers)
        log.warning("message_dead", to=subject, reason=reason)
        # `+TERM reason` is the protocol's own way to a reason in the server's advisory.
        await self._client.publish(message.reply, f"+TERM {_line(reason)[:200]}".encode())
        message._ackd = True  # noqa: SLF001 - nats-py has no term with a reason

    async def bury_request(self, endpoint: str, subject: str, body: bytes, reason: str) -> None:
        """A request that could not be read: answered with an error, and kept as well."""
        headers = _headers(subject, body, reason, 1)
        await self._jetstream.publish(f"gs.dlq.rpc.{endpoint}", body, headers=headers)


def _headers(subject: str, body: bytes, reason: str, deliveries: int) -> dict[str, str]:
    return {
        "gs-subject": subject,
        "gs-reason": _line(reason)[:1000],
        "gs-deliveries": str(deliveries),
        "gs-replay": _replay(subject, body),
    }


def _replay(subject: str, body: bytes) -> str:
    """A command that sends it again; a long or binary body is taken from the letter itself."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = ""
    if text and text.isprintable() and len(text) <= REPLAY_INLINE:
        return f"nats pub {subject} {shlex.quote(text)}"
    return f"nats stream get GS_DLQ <sequence> --json | jq -r .data | base64 -d | nats pub {subject} --force-stdin"


def _line(text: str) -> str:
    """One printable line: a header must not contain more."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
