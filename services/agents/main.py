"""The composition root of the agents."""

import os
import platform

import psutil

from services.agents import usecases
from services.agents.adapters.engines.own import OwnEngine
from services.agents.adapters.engines.rules import RulesEngine
from services.agents.adapters.fixer import Fixer
from services.agents.adapters.own_detector import OwnDetector
from services.agents.adapters.several import Detectors, Engines
from services.agents.handlers import handlers
from services.agents.settings import Settings
from shared.contracts.base import EngineName
from shared.contracts.documents.agents import Agent
from shared.detectors.by_ruff import RuffDetector
from shared.environments.build import UvEnvironments
from shared.kernel.clock import utc_now
from shared.kernel.ids import uuid7
from shared.launch import launch
from shared.messaging.bus import Bus
from shared.messaging.service import PeriodicTask, Service, serve
from shared.mongo.client import connected
from shared.mongo.collections import Store, open_store
from shared.sandbox.choice import choose_sandbox
from shared.sandbox.ports import GIB, Sandbox
from shared.sandbox.scratch import Scratch
from shared.targets.mirror import Mirror

BEAT = 3.0


def build(settings: Settings, bus: Bus, store: Store) -> Service:
    """Wire adapters to use cases."""
    scratch = settings.home / "agents"
    fixer = make_fixer(settings)
    deps = usecases.AgentDeps(
        store=store,
        bus=bus,
        home=settings.home,
        me=_me(),
        detector=Detectors(RuffDetector(scratch), OwnDetector(fixer)),
        engines={"code_quality": Engines(RulesEngine(scratch), OwnEngine(fixer))},
        clock=utc_now,
        new_id=uuid7,
    )
    return Service(
        name="agents",
        router=handlers(deps),
        periodic_tasks=(PeriodicTask(BEAT, lambda: usecases.beat(deps)),),
        on_start=lambda: usecases.register(deps, psutil.pid_exists),
        on_stop=lambda: usecases.leave(deps),
    )


def make_fixer(settings: Settings) -> Fixer:
    """Over a sandbox that is looked for when the first target needs one."""
    rooms = Scratch(settings.home / "runs", uuid7)
    found: list[Sandbox] = []

    async def sandbox() -> Sandbox:
        if not found:
            chosen, _ = await choose_sandbox(
                settings.home,
                rooms,
                wanted=settings.sandbox,
                unsandboxed=settings.allow_unsandboxed,
            )
            found.append(chosen)
        return found[0]

    async def environments() -> UvEnvironments:
        return UvEnvironments(
            settings.home,
            await sandbox(),
            rooms,
            lambda target_id, oid: Mirror.at(settings.home, target_id).tree(oid),
            int(settings.environments_max_gib * GIB),
        )

    return Fixer(rooms, sandbox, environments)


def _me() -> Agent:
    now = utc_now()
    return Agent(
        id=uuid7(),
        name="code-quality",
        types=("code_quality",),
        engines=(EngineName.RULES,),
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
