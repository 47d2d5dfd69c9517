"""The composition root of the API."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterator

import uvicorn
from fastapi import APIRouter, FastAPI

from services.api.handlers import answers
from services.api.ports import ApiDeps
from services.api.routes.approvals import approval_routes
from services.api.routes.backtests import backtest_routes
from services.api.routes.enhancements import enhancement_routes
from services.api.routes.findings import finding_routes
from services.api.routes.guard import Guard
from services.api.routes.inbound import inbound_routes
from services.api.routes.infinite import infinite_routes
from services.api.routes.keys import key_routes
from services.api.routes.listings import listing_routes
from services.api.routes.n8n import n8n_routes
from services.api.routes.probes import probe_routes
from services.api.routes.problems import PROBLEMS, install_problem_handlers
from services.api.routes.rates import RateLimits
from services.api.routes.system import system_routes
from services.api.routes.waves import wave_routes
from services.api.routes.webhooks import delivery_routes, webhook_routes
from services.api.routes.writes import SafeWrites
from services.api.settings import DEFAULT_RATE, ApiSettings
from services.api.usecases import DeliverySender, follow_events
from services.api.usecases.access import authenticate
from shared.contracts.commands import StartWave
from shared.contracts.events import TargetPushed, WebhookExhausted
from shared.contracts.http import API_PREFIX
from shared.http.protected import ProtectedPoster
from shared.kernel.clock import utc_now
from shared.kernel.ids import uuid7
from shared.kernel.version import VERSION
from shared.launch import launch
from shared.messaging.bus import Bus
from shared.messaging.service import PeriodicTask, Service, serve
from shared.mongo.client import connected
from shared.mongo.collections import Store, open_store

SHUTDOWN_TIMEOUT_SECONDS = 2
SENDING_INTERVAL_SECONDS = 0.5
RoutesOf = Callable[[], APIRouter]
# What is below `API_PREFIX`; of two routes that fit a request, the first answers it.
RESOURCES: tuple[RoutesOf, ...] = (
    system_routes,
    wave_routes,
    approval_routes,
    enhancement_routes,
    backtest_routes,
    finding_routes,
    webhook_routes,
    delivery_routes,
    infinite_routes,
    key_routes,
    listing_routes,
)
# What is at the root, as probes and other protocols want it.
ROOT_ROUTES: tuple[RoutesOf, ...] = (probe_routes, n8n_routes, inbound_routes)


def make_app(
    deps: ApiDeps, *, key: str, hosts: Collection[str], rate: str = DEFAULT_RATE
) -> FastAPI:
    """Return the HTTP application for clients that have a key and call it by one of its names.

    `key` allows everything; others are stored, and may be used as often as `rate` says.
    """
    app = FastAPI(
        title="Groundswell",
        version=VERSION,
        description=(
            "Improve a codebase in small changes; only what is measured to be no worse lands."
        ),
    )
    install_problem_handlers(app)
    app.state.deps = deps
    app.add_middleware(SafeWrites, deps=deps)
    app.add_middleware(
        Guard,
        authenticate=lambda text: authenticate(text, deps, local_key=key),
        hosts=hosts,
        rates=RateLimits(rate, clock=utc_now),
    )
    for routes in ROOT_ROUTES:
        app.include_router(routes())
    for routes in RESOURCES:
        app.include_router(routes(), prefix=API_PREFIX, responses=PROBLEMS)
    return app


class _Server(uvicorn.Server):
    """A uvicorn server that leaves signals to `serve`, which handles them for the whole service."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the handling of signals as it is."""
        yield


def build(
    settings: ApiSettings, bus: Bus, store: Store, ping_database: Callable[[], Awaitable[None]]
) -> Service:
    """Return the API service over a bus and a store."""
    deps = ApiDeps(
        store=store,
        bus=bus,
        ping_database=ping_database,
        clock=utc_now,
        new_id=uuid7,
        poster=ProtectedPoster(settings.private_hosts),
    )
    sender = DeliverySender(deps)
    server = _Server(
        uvicorn.Config(
            make_app(
                deps,
                key=settings.api_key.get_secret_value(),
                hosts=settings.api_hosts,
                rate=settings.api_rate,
            ),
            host=settings.api_host,
            port=settings.api_port,
            log_level="warning",
            lifespan="off",
            timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_SECONDS,
        )
    )

    async def stop() -> None:
        """Stop the HTTP server and end its event streams."""
        deps.stopping.set()
        server.should_exit = True
        await asyncio.sleep(0)

    return Service(
        name="api",
        endpoints=answers(deps),
        publishes=(StartWave.subject, WebhookExhausted.subject, TargetPushed.subject),
        periodic_tasks=(
            PeriodicTask(SENDING_INTERVAL_SECONDS, sender.run_once),
            PeriodicTask(SENDING_INTERVAL_SECONDS, lambda: follow_events(deps)),
        ),
        tasks=(server.serve,),
        on_stop=stop,
    )


async def run(settings: ApiSettings) -> None:
    """Serve until the process is told to stop."""
    async with connected(settings.mongo_url) as database:
        store = open_store(database)
        await serve(
            "api", settings.nats_url, lambda bus: build(settings, bus, store, database.ping)
        )


def main() -> None:
    """Run the service with the settings of the environment."""
    launch("api", ApiSettings, run)
