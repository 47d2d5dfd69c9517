"""The composition root of the API."""

import asyncio
import contextlib
import ipaddress
from collections.abc import Awaitable, Callable, Iterator

import uvicorn
from fastapi import FastAPI

from services.api.ports import ApiDeps
from services.api.routes.backtests import backtest_routes
from services.api.routes.enhancements import enhancement_routes
from services.api.routes.guard import Guard
from services.api.routes.problems import answer_problems
from services.api.routes.system import system_routes
from services.api.routes.waves import wave_routes
from services.api.settings import Settings
from shared.kernel.clock import utc_now
from shared.kernel.ids import uuid7
from shared.kernel.version import VERSION
from shared.launch import launch
from shared.messaging.bus import Bus
from shared.messaging.service import Service, serve
from shared.mongo.client import connected
from shared.mongo.collections import Store, open_store


def make_app(deps: ApiDeps, *, local: bool) -> FastAPI:
    """The HTTP application over `deps`; `local` where it listens on this machine only."""
    app = FastAPI(
        title="Groundswell",
        version=VERSION,
        description="Waves of agents improve a codebase; only what is measured to be no worse lands.",
    )
    answer_problems(app)
    app.add_middleware(Guard, local=local)
    for routes in (system_routes, wave_routes, enhancement_routes, backtest_routes):
        app.include_router(routes(deps))
    return app


class _Server(uvicorn.Server):
    """Signals are handled by `serve`, for the whole service."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def build(
    settings: Settings, bus: Bus, store: Store, ping_database: Callable[[], Awaitable[None]]
) -> Service:
    """Wire adapters to use cases."""
    deps = ApiDeps(store=store, bus=bus, ping_database=ping_database, clock=utc_now, new_id=uuid7)
    server = _Server(
        uvicorn.Config(
            make_app(deps, local=_is_loopback(settings.api_host)),
            host=settings.api_host,
            port=settings.api_port,
            log_level="warning",
            lifespan="off",
            timeout_graceful_shutdown=2,
        )
    )

    async def stop() -> None:
        deps.stopping.set()
        server.should_exit = True
        await asyncio.sleep(0)

    return Service(name="api", tasks=(server.serve,), on_stop=stop)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


async def run(settings: Settings) -> None:
    """Serve until told to stop."""
    async with connected(settings.mongo_url) as database:
        store = open_store(database)
        await serve(
            "api", settings.nats_url, lambda bus: build(settings, bus, store, database.ping)
        )


def main() -> None:
    """Run with the settings of the environment."""
    launch("api", Settings, run)
