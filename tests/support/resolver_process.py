"""A resolver process for tests: `python -m tests.support.resolver_process DATABASE`.

The rest of its settings is in its environment.
"""

import asyncio
import sys

from services.resolver.main import build
from services.resolver.settings import ResolverSettings
from shared.messaging.service import serve
from shared.mongo.client import connected
from shared.mongo.collections import open_store


async def run(database: str, settings: ResolverSettings) -> None:
    async with connected(settings.mongo_url, database) as opened:
        store = open_store(opened)
        await serve(
            "resolver",
            settings.nats_url,
            lambda bus: build(settings, bus, store),
            provisions=True,
        )


if __name__ == "__main__":
    asyncio.run(run(sys.argv[1], ResolverSettings()))
