"""Connections to NATS, with the same options in every service."""

from collections.abc import Awaitable, Callable
from typing import Any

import nats
import structlog
from faststream.nats import NatsBroker
from nats.aio.client import Client

log = structlog.get_logger(__name__)

# nats-py freezes the event loop once it gives up reconnecting; so it never gives up.
RECONNECT_OPTIONS: dict[str, Any] = {
    "max_reconnect_attempts": -1,
    "reconnect_time_wait": 0.25,
    "connect_timeout": 2,
    "ping_interval": 20,
}
CONNECT_TIMEOUT_SECONDS = 2
DRAIN_TIMEOUT_SECONDS = 0.5


async def _log_error(error: Exception) -> None:
    """Log a connection error. A denied subject is reported only here, elsewhere it times out."""
    log.warning("nats_error", error=f"{type(error).__name__}: {error}")


def make_broker(
    url: str,
    name: str,
    middlewares: tuple[Any, ...] = (),
    decoder: Callable[[Any], Awaitable[Any]] | None = None,
) -> NatsBroker:
    """Return a FastStream broker that is not connected yet and logs nothing itself."""
    return NatsBroker(
        url,
        name=f"groundswell-{name}",
        inbox_prefix=inbox_prefix(name),
        middlewares=middlewares,
        decoder=decoder,
        error_cb=_log_error,
        logger=None,
        # Handlers still running then are cancelled, not acked, so their messages are redelivered.
        graceful_timeout=DRAIN_TIMEOUT_SECONDS,
        **RECONNECT_OPTIONS,
    )


def inbox_prefix(name: str) -> str:
    """Return where the client `name` receives answers; no other user may listen there."""
    return f"_INBOX_{name}" if name else "_INBOX"


async def connect_once(url: str, name: str = "") -> Client:
    """Connect without retries; raises an error of nats-py at once where no server answers.

    `name` is the service whose NATS user the URL has, if it has one.
    """
    return await nats.connect(
        url,
        inbox_prefix=inbox_prefix(name),
        connect_timeout=CONNECT_TIMEOUT_SECONDS,
        allow_reconnect=False,
        max_reconnect_attempts=1,
    )
