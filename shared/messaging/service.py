"""Run a service: connect, subscribe, answer requests, run periodic tasks, and shut down cleanly."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

import nats.errors
import nats.micro
import structlog
from faststream.nats import NatsBroker, NatsRouter
from nats.aio.client import Client
from nats.micro.request import Request
from nats.micro.service import EndpointConfig, ServiceConfig

from shared.kernel.clock import Clock, utc_now
from shared.kernel.errors import GroundswellError, Transient
from shared.kernel.ids import NewId, uuid7
from shared.kernel.version import VERSION
from shared.messaging.bus import SERVICE_PREFIX, Bus
from shared.messaging.connection import make_broker
from shared.messaging.consumers import acknowledging_middleware, decode_body
from shared.messaging.dead_letters import DeadLetters
from shared.messaging.provision import await_streams, provision, restore_missing
from shared.messaging.pull_workers import PullWorker, run_pull_worker
from shared.messaging.rpc import (
    Endpoint,
    InvalidRequest,
    decode_request,
    encode_error,
    encode_result,
)
from shared.messaging.selftest import check_permissions

log = structlog.get_logger(__name__)

SHUTDOWN_TIMEOUT_SECONDS = 2.0
RECONNECT_SECONDS = 0.5
RESTORE_INTERVAL_SECONDS = 5.0


@dataclass(frozen=True)
class PeriodicTask:
    """An action that runs at start and then `seconds` after each end; its errors are logged.

    Every process of a service runs it. An action that must run in one process at a time holds a
    leader lease (`shared.mongo.leadership.Leadership`) around its work.
    """

    seconds: float
    action: Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Service:
    """The parts of a service.

    `router` subscribes to consumers, `pull_workers` to those whose messages need free capacity.
    `tasks` run for the whole life of the service; when one ends, the service ends. `on_start` runs
    before the first message is handled, `on_stop` while the connection is still up. `publishes`
    has a subject of each stream that it publishes to, which are tried at start.
    """

    name: str
    router: NatsRouter | None = None
    endpoints: tuple[Endpoint[Any, Any], ...] = ()
    periodic_tasks: tuple[PeriodicTask, ...] = ()
    tasks: tuple[Callable[[], Coroutine[Any, Any, None]], ...] = ()
    pull_workers: tuple[PullWorker[Any], ...] = ()
    publishes: tuple[str, ...] = ()
    on_start: Callable[[], Awaitable[None]] | None = None
    on_stop: Callable[[], Awaitable[None]] | None = None


async def serve(
    name: str,
    url: str,
    make: Callable[[Bus], Service],
    *,
    provisions: bool = False,
    ack_wait_seconds: float | None = None,
    clock: Clock = utc_now,
    new_id: NewId = uuid7,
) -> None:
    """Run the service that `make` returns until SIGTERM, SIGINT or the end of one of its tasks.

    It answers `$SRV.PING.groundswell-<name>` once it is ready. With `provisions` it creates the
    streams and consumers, and again should somebody delete them; else it waits for them.
    """
    signalled = _cancel_on_signals()
    letters: list[DeadLetters] = []
    broker = make_broker(url, name, (_middleware_for(letters),), decode_body)
    try:
        client = await _connect(broker)
        letters.append(DeadLetters(client))
        if provisions:
            await provision(url, name, ack_wait_seconds=ack_wait_seconds)
        await await_streams(client.jetstream())
        service = make(Bus(client, source=name, clock=clock, new_id=new_id))
        await check_permissions(client, name, service.publishes)
        if provisions:
            service = _restoring(service, client, ack_wait_seconds)
        await _run(service, broker, client, letters[0])
    except asyncio.CancelledError:
        if not signalled.is_set():
            raise
    finally:
        await broker.stop()
        log.info("service_stopped", service=name)


def _restoring(service: Service, client: Client, ack_wait_seconds: float | None) -> Service:
    """Return the service with the periodic task that makes deleted streams and consumers again."""
    restore = PeriodicTask(
        RESTORE_INTERVAL_SECONDS, lambda: restore_missing(client, ack_wait_seconds=ack_wait_seconds)
    )
    return replace(service, periodic_tasks=(*service.periodic_tasks, restore))


async def _run(service: Service, broker: NatsBroker, client: Client, letters: DeadLetters) -> None:
    """Run the service until one of its tasks ends or it is cancelled."""
    if service.router is not None:
        broker.include_router(service.router)
    if service.on_start is not None:
        await service.on_start()
    await broker.start()
    micro = await _start_micro_service(client, service, letters)
    periodic = [asyncio.create_task(_run_periodically(each)) for each in service.periodic_tasks]
    tasks = [asyncio.create_task(each()) for each in service.tasks]
    tasks += [
        asyncio.create_task(run_pull_worker(each, client, letters)) for each in service.pull_workers
    ]
    log.info("service_ready", service=service.name)
    try:
        await _wait_for_first(tasks)
    finally:
        await _shut_down(micro, service)
        await _cancel([*periodic, *tasks])


def _middleware_for(letters: list[DeadLetters]) -> Any:
    """Return the middleware, whose dead letters are put into `letters` once connected."""

    def make(*args: Any, **kwargs: Any) -> Any:
        """Return a middleware instance; the dead letters must exist by now."""
        return acknowledging_middleware(letters[0])(*args, **kwargs)

    return make


def _cancel_on_signals() -> asyncio.Event:
    """Cancel the current task on the first SIGTERM or SIGINT, which sets the returned event.

    A second signal is ignored: it must not interrupt the shutdown.
    """
    signalled = asyncio.Event()
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def cancel() -> None:
        """Cancel the service's task, at the first signal only."""
        if not signalled.is_set() and task is not None:
            signalled.set()
            task.cancel()

    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, cancel)
    return signalled


async def _connect(broker: NatsBroker) -> Client:
    """Connect, and retry without end while the server is unreachable."""
    while True:
        try:
            client: Client = await broker.connect()
        except (OSError, TimeoutError, nats.errors.Error) as error:
            log.warning("nats_unreachable", error=repr(error))
            await asyncio.sleep(RECONNECT_SECONDS)
        else:
            return client


async def _start_micro_service(client: Client, service: Service, letters: DeadLetters) -> Any:
    """Register the service's endpoints; NATS answers `$SRV.PING`, INFO and STATS for them."""
    micro = await nats.micro.add_service(
        client,
        ServiceConfig(
            name=f"{SERVICE_PREFIX}{service.name}",
            version=VERSION,
            description=f"Groundswell's {service.name}",
        ),
    )
    for each in service.endpoints:
        handler = _request_handler(each, letters)
        config = EndpointConfig(
            name=each.name, subject=each.subject, handler=handler, metadata=each.schemas
        )
        await micro.add_endpoint(config)
    return micro


def _request_handler(
    endpoint: Endpoint[Any, Any], letters: DeadLetters
) -> Callable[[Request], Awaitable[None]]:
    """Return the function that answers the NATS requests to an endpoint."""

    async def handle(request: Request) -> None:
        """Answer with a result or an error; a body that is invalid is a dead letter too."""
        try:
            body = decode_request(request.data, endpoint.request)
            result = await endpoint.handler(body)
        except InvalidRequest as error:
            await letters.store_request(endpoint.name, endpoint.subject, request.data, str(error))
            await request.respond(encode_error(error))
        except Exception as error:  # noqa: BLE001 - the caller must get every error
            await request.respond(encode_error(error))
        else:
            await request.respond(encode_result(result))

    return handle


async def _run_periodically(task: PeriodicTask) -> None:
    """Run a periodic task again and again until cancelled, and log its errors."""
    while True:
        try:
            await task.action()
        except Transient as error:
            log.info("periodic_task_postponed", reason=str(error))
        except GroundswellError as error:
            log.warning("periodic_task_rejected", reason=str(error))
        except Exception:
            log.exception("periodic_task_failed")
        await asyncio.sleep(task.seconds)


async def _wait_for_first(tasks: list[asyncio.Task[None]]) -> None:
    """Wait until one of the tasks ends, for ever if there is none; raises what the task raised."""
    if not tasks:
        await asyncio.Event().wait()
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for each in done:
        each.result()


async def _shut_down(micro: Any, service: Service) -> None:
    """Stop answering and run `on_stop`; the servers these talk to may be gone already."""
    try:
        async with asyncio.timeout(SHUTDOWN_TIMEOUT_SECONDS):
            await micro.stop()
            if service.on_stop is not None:
                await service.on_stop()
    except (TimeoutError, GroundswellError, nats.errors.Error) as error:
        log.warning("shutdown_incomplete", reason=repr(error))


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    """Cancel tasks and wait until all have ended, however they end."""
    for each in tasks:
        each.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
