"""The composition root of the coordinator."""

from services.coordinator import usecases
from services.coordinator.adapters.machine import LocalMachine
from services.coordinator.handlers import answers, handlers
from services.coordinator.settings import CoordinatorSettings
from shared.contracts.commands import MeasureFindings
from shared.contracts.streams import TASKS
from shared.kernel.clock import utc_now
from shared.kernel.ids import uuid7
from shared.launch import launch
from shared.messaging.bus import Bus
from shared.messaging.service import PeriodicTask, Service, serve
from shared.mongo.client import connected
from shared.mongo.collections import (
    Store,
    ensure_indexes,
    open_store,
    remove_outdated_agents,
)
from shared.mongo.leadership import Leadership
from shared.targets.home import identity_of

RECONCILE_INTERVAL_SECONDS = 3.0
# Part of the time after which another process takes over the task of a lost one.
WATCH_INTERVAL_SECONDS = 1.0
INFINITE_INTERVAL_SECONDS = 2.0


def build(settings: CoordinatorSettings, bus: Bus, store: Store) -> Service:
    """Wire the adapters to the use cases."""
    deps = usecases.CoordinatorDeps(
        store=store, bus=bus, home=settings.home, clock=utc_now, new_id=uuid7
    )
    loop = usecases.InfiniteLoop(
        leadership=Leadership(
            store.leader_leases, identity_of(settings.home), settings.home / "leadership"
        ),
        machine=LocalMachine(settings.home),
    )
    return Service(
        name="coordinator",
        router=handlers(deps),
        endpoints=answers(deps),
        publishes=(TASKS.subjects[0], MeasureFindings.subject),
        periodic_tasks=(
            PeriodicTask(RECONCILE_INTERVAL_SECONDS, lambda: usecases.reconcile(deps)),
            PeriodicTask(WATCH_INTERVAL_SECONDS, lambda: usecases.watch_agents(deps)),
            PeriodicTask(
                INFINITE_INTERVAL_SECONDS, lambda: usecases.run_infinite_modes(deps, loop)
            ),
        ),
        on_start=lambda: usecases.pause_after_restart(deps),
    )


async def run(settings: CoordinatorSettings) -> None:
    """Serve until the process is told to stop."""
    async with connected(settings.mongo_url) as database:
        if settings.provision:
            await ensure_indexes(database)
            await remove_outdated_agents(database)
        store = open_store(database)
        await serve(
            "coordinator",
            settings.nats_url,
            lambda bus: build(settings, bus, store),
            provisions=settings.provision,
            ack_wait_seconds=settings.ack_wait_seconds,
        )


def main() -> None:
    """Run with settings from the environment."""
    launch("coordinator", CoordinatorSettings, run)
