"""The composition root of the agents."""

import os
import platform

import psutil

from services.agents import usecases
from services.agents.adapters.detectors.ruff import RuffDetector
from services.agents.adapters.engines.rules import RulesEngine
from services.agents.handlers import handlers
from services.agents.settings import Settings
from shared.contracts.base import AgentType, Engine
from shared.contracts.documents import Agent
from shared.kernel.clock import utc_now
from shared.kernel.ids import uuid7
from shared.launch import launch
from shared.messaging.bus import Bus
from shared.messaging.service import Every, Service, serve
from shared.mongo.client import connected
from shared.mongo.collections import Store, open_store

BEAT = 3.0


def build(settings: Settings, bus: Bus, store: Store) -> Service:
    """Wire adapters to use cases."""
    scratch = settings.home / "agents"
    desk = usecases.Desk(
        store=store,
        bus=bus,
        home=settings.home,
        me=_me(),
        detector=RuffDetector(scratch),
        engines={AgentType.CODE_QUALITY: RulesEngine(scratch)},
        clock=utc_now,
        new_id=uuid7,
    )
    return Service(
        name="agents",
        router=handlers(desk),
        loops=(Every(BEAT, lambda: usecases.beat(desk)),),
        on_start=lambda: usecases.register(desk, psutil.pid_exists),
        on_stop=lambda: usecases.leave(desk),
    )


def _me() -> Agent:
    now = utc_now()
    return Agent(
        id=uuid7(),
        name="code-quality",
        types=(AgentType.CODE_QUALITY,),
        engines=(Engine.RULES,),
        capabilities=("ruff",),
        pid=os.getpid(),
        host=platform.node(),
        started_at=now,
        heartbeat_at=now,
    )


async def run(settings: Settings) -> None:
    """Serve until told to stop."""
    async with connected(settings.mongo_url) as database:
        store = open_store(database)
        await serve("agents", settings.nats_url, lambda bus: build(settings, bus, store))


def main() -> None:
    """Run with the settings of the environment."""
    launch("agents", Settings, run)
