"""The health check of a container: exit 0 when a service answers over NATS.

Usage: `python -m deploy.healthcheck SERVICE`.
"""

import asyncio
import os
import sys

from deploy.programs import SERVICES
from shared.kernel.clock import utc_now
from shared.kernel.ids import uuid7
from shared.messaging.bus import Bus
from shared.messaging.connection import connect_once

PING_TIMEOUT_SECONDS = 3


async def service_answers(url: str, service: str) -> bool:
    """Return whether the service answers `$SRV.PING` at `url`; raises where no NATS server does."""
    client = await connect_once(url, service)
    try:
        bus = Bus(client, source="healthcheck", clock=utc_now, new_id=uuid7)
        return service in await bus.ping({service}, timeout=PING_TIMEOUT_SECONDS)
    finally:
        await client.close()


def main() -> None:
    """Check the service named on the command line, and exit: 0 if it answers."""
    if len(sys.argv) != 2 or sys.argv[1] not in SERVICES:  # noqa: PLR2004
        sys.exit(f"usage: python -m deploy.healthcheck {'|'.join(SERVICES)}")
    url = os.environ.get("GROUNDSWELL_NATS_URL", "nats://127.0.0.1:4222")
    sys.exit(0 if asyncio.run(service_answers(url, sys.argv[1])) else 1)


if __name__ == "__main__":
    main()
