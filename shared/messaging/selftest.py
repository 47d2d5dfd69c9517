"""Check at start that a service may do on NATS what it has to do there.

NATS does not answer what it denies, so without this a missing permission is a time-out somewhere.
"""

import asyncio
from collections.abc import Sequence

import nats.errors
from nats.aio.client import Client

from shared.contracts.streams import CONSUMERS, Consumer
from shared.kernel.errors import Rejected

ANSWER_TIMEOUT_SECONDS = 10.0
# JetStream answers this with an error, and stores nothing.
EXPECT_NO_STREAM = {"Nats-Expected-Stream": "none"}
# A request for messages that JetStream answers with an error, and sends no message.
MALFORMED_REQUEST = b"{"


async def check_permissions(client: Client, service: str, publishes: Sequence[str]) -> None:
    """Raise `Rejected` unless `service` may publish to these subjects and read its consumers."""
    consumers = [each for each in CONSUMERS if each.service == service]
    answers = await asyncio.gather(
        *(_is_answered(client, each, b"", EXPECT_NO_STREAM) for each in publishes),
        *(_is_answered(client, _next_subject(each), MALFORMED_REQUEST) for each in consumers),
    )
    wanted = [*publishes, *map(_next_subject, consumers)]
    denied = [each for each, answered in zip(wanted, answers, strict=True) if not answered]
    if denied:
        raise Rejected(
            f"NATS does not let the {service} publish to {', '.join(denied)}.",
            hint="Give its user what deploy/nats/accounts.conf does, and the streams' account "
            "the exports.",
            code="nats_denied",
        )


def _next_subject(consumer: Consumer) -> str:
    """Return the JetStream subject on which a consumer's next message is requested."""
    return f"$JS.API.CONSUMER.MSG.NEXT.{consumer.stream}.{consumer.name}"


async def _is_answered(
    client: Client, subject: str, body: bytes, headers: dict[str, str] | None = None
) -> bool:
    """Return whether JetStream answers a request that it refuses without any effect."""
    try:
        await client.request(subject, body, timeout=ANSWER_TIMEOUT_SECONDS, headers=headers)
    except (nats.errors.NoRespondersError, nats.errors.TimeoutError):
        return False
    return True
