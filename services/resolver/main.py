"""The composition root of the resolver."""

from services.resolver import usecases
from services.resolver.adapters import MirrorReader
from services.resolver.handlers import answers, handlers
from services.resolver.settings import ResolverSettings
from shared.contracts.work import ProposalCleared
from shared.kernel.clock import utc_now
from shared.launch import launch
from shared.messaging.bus import Bus
from shared.messaging.service import PeriodicTask, Service, serve
from shared.mongo.client import connected
from shared.mongo.collections import Store, open_store

RECONCILE_INTERVAL_SECONDS = 5.0
SETTLE_INTERVAL_SECONDS = 2.0


def build(settings: ResolverSettings, bus: Bus, store: Store) -> Service:
    """Wire the adapters to the use cases."""
    deps = usecases.ResolverDeps(
        store=store, bus=bus, clock=utc_now, reader=MirrorReader(settings.home)
    )
    return Service(
        name="resolver",
        router=handlers(deps),
        endpoints=answers(deps),
        publishes=(ProposalCleared.subject,),
        periodic_tasks=(
            PeriodicTask(RECONCILE_INTERVAL_SECONDS, lambda: usecases.reconcile(deps)),
            PeriodicTask(SETTLE_INTERVAL_SECONDS, lambda: usecases.settle_conflicts(deps)),
        ),
    )


async def run(settings: ResolverSettings) -> None:
    """Serve until the process is told to stop."""
    async with connected(settings.mongo_url) as database:
        store = open_store(database)
        await serve("resolver", settings.nats_url, lambda bus: build(settings, bus, store))


def main() -> None:
    """Run with settings from the environment."""
    launch("resolver", ResolverSettings, run)
