"""An agent process for tests: `python -m tests.support.agent_process DATABASE [stuck]`.

The rest of its settings is in its environment. A stuck one never gets done with a task.
"""

import asyncio
import sys

from services.agents.engines.rules import RulesEngine
from services.agents.main import build
from services.agents.settings import AgentsSettings
from shared.messaging.service import serve
from shared.mongo.client import connected
from shared.mongo.collections import open_store


async def never(_engine, _context):
    await asyncio.Event().wait()
    yield


async def run(database: str, settings: AgentsSettings) -> None:
    async with connected(settings.mongo_url, database) as opened:
        store = open_store(opened)
        await serve("agents", settings.nats_url, lambda bus: build(settings, bus, store))


if __name__ == "__main__":
    if "stuck" in sys.argv:
        RulesEngine.propose = never  # type: ignore[method-assign,assignment]
    asyncio.run(run(sys.argv[1], AgentsSettings()))
