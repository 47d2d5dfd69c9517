"""The composition root of the agents."""

import os
import platform
from collections.abc import Collection

import psutil

from services.agents import usecases
from services.agents.adapters.commands import SandboxedCommands
from services.agents.deps import ServedType
from services.agents.engines.chain import ChainedEngines
from services.agents.engines.rules import RulesEngine
from services.agents.handlers import handlers
from services.agents.settings import AgentsSettings
from shared.agent_types import AgentSpec, agent_specs
from shared.contracts.base import EngineName
from shared.contracts.documents.agents import Agent
from shared.contracts.work import ProposalSubmitted
from shared.detectors.ports import DetectorResources
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

HEARTBEAT_INTERVAL_SECONDS = 3.0


def build(settings: AgentsSettings, bus: Bus, store: Store) -> Service:
    """Wire adapters to use cases, for every registered agent type."""
    resources = DetectorResources(settings.home / "agents", sandboxed_commands(settings))
    served = {name: serve_type(spec, resources) for name, spec in agent_specs().items()}
    deps = usecases.AgentDeps(
        store=store,
        bus=bus,
        home=settings.home,
        me=_this_agent(served.values()),
        served=served,
        clock=utc_now,
        new_id=uuid7,
    )
    return Service(
        name="agents",
        router=handlers(deps),
        publishes=(ProposalSubmitted.subject,),
        periodic_tasks=(
            PeriodicTask(HEARTBEAT_INTERVAL_SECONDS, lambda: usecases.send_heartbeat(deps)),
        ),
        on_start=lambda: usecases.register(deps, psutil.pid_exists),
        on_stop=lambda: usecases.go_offline(deps),
    )


def serve_type(spec: AgentSpec, resources: DetectorResources) -> ServedType:
    """Make the detectors, guards and engines of an agent type; the rules engine is tried first."""
    detectors = tuple(make(resources) for make in spec.detectors)
    engines = (
        RulesEngine(spec.fixers, detectors),
        *(make(resources) for make in spec.engines),
    )
    guards = tuple(make(resources).name for make in spec.guards)
    return ServedType(spec, detectors, ChainedEngines(engines), guards)


def sandboxed_commands(settings: AgentsSettings) -> SandboxedCommands:
    """Return what runs a target's commands in a sandbox, which is chosen when first needed."""
    scratch = Scratch(settings.home / "runs", uuid7)
    found: list[Sandbox] = []

    async def sandbox() -> Sandbox:
        """Return the sandbox, which the first call chooses for this machine."""
        if not found:
            chosen, _ = await choose_sandbox(
                settings.home,
                scratch,
                wanted=settings.sandbox,
                unsandboxed=settings.allow_unsandboxed,
            )
            found.append(chosen)
        return found[0]

    async def environments() -> UvEnvironments:
        """Return the builder of test environments over that sandbox."""
        return UvEnvironments(
            settings.home,
            await sandbox(),
            scratch,
            lambda target_id, oid: Mirror.at(settings.home, target_id).tree(oid),
            int(settings.environments_max_gib * GIB),
        )

    return SandboxedCommands(scratch, sandbox, environments)


def _this_agent(served: Collection[ServedType]) -> Agent:
    """Return the record under which this process registers, idle and with all types it serves."""
    now = utc_now()
    types = tuple(each.spec.name for each in served)
    return Agent(
        id=uuid7(),
        name="+".join(types).replace("_", "-"),
        types=types,
        engines=(EngineName.RULES,),
        capabilities=tuple(sorted({d.name for each in served for d in each.detectors})),
        pid=os.getpid(),
        host=platform.node(),
        started_at=now,
        heartbeat_at=now,
    )


async def run(settings: AgentsSettings) -> None:
    """Serve until told to stop."""
    async with connected(settings.mongo_url) as database:
        store = open_store(database)
        await serve("agents", settings.nats_url, lambda bus: build(settings, bus, store))


def main() -> None:
    """Run with the settings of the environment."""
    launch("agents", AgentsSettings, run)
