"""How every service connects to NATS."""

from collections.abc import Awaitable, Callable
from typing import Any

import nats
import structlog
from faststream.nats import NatsBroker
from nats.aio.client import Client

log = structlog.get_logger(__name__)

# nats-py freezes the event loop once it gives up reconnecting; so it never gives up.
RECONNECT: dict[str, Any] = {
    "max_reconnect_attempts": -1,
    "reconnect_time_wait": 0.25,
    "connect_timeout": 2,
    "ping_interval": 20,
}


async def _on_error(error: Exception) -> None:
    """A denied subject shows up here only; elsewhere it looks like a time-out."""
    log.warning("nats_error", error=f"{type(error).__name__}: {error}")


def make_broker(
    url: str,
    name: str,
    middlewares: tuple[Any, ...] = (),
    decoder: Callable[[Any], Awaitable[Any]] | None = None,
) -> NatsBroker:
    """A FastStream broker that is not connected yet. It logs nothing itself: the wrapper does."""
    return NatsBroker(
        url,
        name=f"groundswell-{name}",
        inbox_prefix=f"_INBOX_{name}".encode(),
        middlewares=middlewares,
        decoder=decoder,
        error_cb=_on_error,
        logger=None,
        # What is under way then is cancelled, not acked: another one gets it, or we after a restart.
        graceful_timeout=0.5,
        **RECONNECT,
    )


async def connect_once(url: str) -> Client:
    """A plain connection that gives up at once where nobody is there."""
    return await nats.connect(
        url, connect_timeout=2, allow_reconnect=False, max_reconnect_attempts=1
    )
