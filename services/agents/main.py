"""The composition root of the agents."""

import os
import platform
import sys
from collections.abc import Collection

import psutil

from services.agents import usecases
from services.agents.adapters.commands import SandboxedCommands
from services.agents.adapters.durations import StoredDurations
from services.agents.adapters.imports import StoredLogs
from services.agents.adapters.slots import MachineAgentSlots
from services.agents.deps import ServedType
from services.agents.engines.chain import ChainedEngines
from services.agents.engines.rules import RulesEngine
from services.agents.handlers import handlers, pull_workers
from services.agents.settings import AgentsSettings
from shared.agent_types import AgentSpec, agent_specs
from shared.contracts.base import EngineName
from shared.contracts.documents.agents import Worker
from shared.contracts.work import ProposalSubmitted
from shared.detectors.ports import DetectorResources
from shared.environments.build import UvEnvironments
from shared.kernel.clock import utc_now
from shared.kernel.ids import uuid7
from shared.launch import launch
from shared.machine.memory import free_memory
from shared.machine.slots import MachineSlots, ensure_private, machine_cores, slots_folder
from shared.messaging.bus import Bus
from shared.messaging.service import PeriodicTask, Service, serve
from shared.mongo.client import connected
from shared.mongo.collections import Store, open_store
from shared.sandbox.choice import choose_sandbox
from shared.sandbox.ports import GIB, Sandbox
from shared.sandbox.scratch import Scratch
from shared.targets.mirror import Mirror

SLOTS_OF_AGENTS = "agents"
# How long analysis in threads may keep the interpreter from sending heartbeats, which take dozens
# of turns; with Python's 5 ms they came too late on a busy machine, and tasks were given out again.
THREAD_SWITCH_SECONDS = 0.001


def build(settings: AgentsSettings, bus: Bus, store: Store) -> Service:
    """Wire adapters to use cases, for every registered agent type."""
    resources = DetectorResources(
        settings.home / "agents",
        sandboxed_commands(settings),
        StoredLogs(store),
        StoredDurations(store),
    )
    served = {name: serve_type(spec, resources) for name, spec in agent_specs().items()}
    slots = _make_slots(settings)
    deps = usecases.AgentDeps(
        store=store,
        bus=bus,
        home=settings.home,
        me=_this_worker(served.values(), slots.count, settings.heartbeat_seconds),
        slots=slots,
        served=served,
        clock=utc_now,
        new_id=uuid7,
    )
    return Service(
        name="agents",
        router=handlers(deps),
        publishes=(ProposalSubmitted.subject,),
        periodic_tasks=(
            PeriodicTask(settings.heartbeat_seconds, lambda: usecases.send_heartbeat(deps)),
        ),
        pull_workers=pull_workers(deps),
        on_start=lambda: usecases.register(deps, psutil.pid_exists),
        on_stop=lambda: usecases.go_offline(deps),
    )


def serve_type(spec: AgentSpec, resources: DetectorResources) -> ServedType:
    """Make the detectors, guards and engines of an agent type; the rules engine is tried first."""
    detectors = tuple(make(resources) for make in spec.detectors)
    engines = (
        RulesEngine(spec.fixers, detectors, spec.target_fixers),
        *(make(resources) for make in spec.engines),
    )
    guards = tuple(make(resources).name for make in spec.guards)
    advisors = tuple(make(resources) for make in spec.advisors)
    return ServedType(spec, detectors, ChainedEngines(engines), guards, advisors)


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


def _make_slots(settings: AgentsSettings) -> MachineAgentSlots:
    """Return the slots for agents, which are apart from those for test runs."""
    folder = ensure_private(slots_folder(settings.home, settings.slots) / SLOTS_OF_AGENTS)
    machine = MachineSlots(folder, machine_cores(), settings.agents)
    return MachineAgentSlots(machine, free_memory)


def _this_worker(served: Collection[ServedType], slots: int, heartbeat_seconds: float) -> Worker:
    """Return the record under which this process registers, with all types that it serves."""
    now = utc_now()
    return Worker(
        id=uuid7(),
        types=tuple(each.spec.name for each in served),
        engines=(EngineName.RULES,),
        capabilities=tuple(sorted({d.name for each in served for d in each.measuring})),
        pid=os.getpid(),
        host=platform.node(),
        slots=slots,
        heartbeat_seconds=heartbeat_seconds,
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
    sys.setswitchinterval(THREAD_SWITCH_SECONDS)
    launch("agents", AgentsSettings, run)
