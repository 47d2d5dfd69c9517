"""Running a service: connect, subscribe, answer, loop, and stop without losing anything."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
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
from shared.messaging.bus import Bus
from shared.messaging.connection import make_broker
from shared.messaging.consumers import decode, wrapper
from shared.messaging.dead_letters import DeadLetters
from shared.messaging.provision import await_streams, provision
from shared.messaging.pull_workers import PullWorker, run_pull_worker
from shared.messaging.rpc import Endpoint, Garbage, failure, read_question, success

log = structlog.get_logger(__name__)

GOODBYE = 2.0


@dataclass(frozen=True)
class PeriodicTask:
    """A loop: `action` every `seconds`, the first time at once. What it raises is logged."""

    seconds: float
    action: Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Service:
    """What a service is made of. `tasks` run for its whole life; one that ends ends the service.

    `pull_workers` handle what is not to be taken before there is room for it, `router` all else.
    `on_start` comes before the first message, `on_stop` while the connection still stands.
    """

    name: str
    router: NatsRouter | None = None
    endpoints: tuple[Endpoint[Any, Any], ...] = ()
    periodic_tasks: tuple[PeriodicTask, ...] = ()
    tasks: tuple[Callable[[], Coroutine[Any, Any, None]], ...] = ()
    pull_workers: tuple[PullWorker[Any], ...] = ()
    on_start: Callable[[], Awaitable[None]] | None = None
    on_stop: Callable[[], Awaitable[None]] | None = None


async def serve(
    name: str,
    url: str,
    make: Callable[[Bus], Service],
    *,
    provisions: bool = False,
    clock: Clock = utc_now,
    new_id: NewId = uuid7,
) -> None:
    """Run until SIGTERM or SIGINT. The service answers `$SRV.PING.groundswell-<name>` when ready."""
    signalled = _cancelled_by_signals()
    letters: list[DeadLetters] = []
    broker = make_broker(url, name, (_late(letters),), decode)
    try:
        client = await _connect(broker)
        letters.append(DeadLetters(client))
        if provisions:
            await provision(url)
        await await_streams(client.jetstream())
        service = make(Bus(client, source=name, clock=clock, new_id=new_id))
        await _run(service, broker, client, letters[0])
    except asyncio.CancelledError:
        if not signalled.is_set():
            raise
    finally:
        await broker.stop()
        log.info("service_stopped", service=name)


async def _run(service: Service, broker: NatsBroker, client: Client, letters: DeadLetters) -> None:
    """Until one of its tasks ends, or we are cancelled."""
    if service.router is not None:
        broker.include_router(service.router)
    if service.on_start is not None:
        await service.on_start()
    await broker.start()
    micro = await _answer(client, service, letters)
    loops = [asyncio.create_task(_loop(each)) for each in service.periodic_tasks]
    tasks = [asyncio.create_task(each()) for each in service.tasks]
    tasks += [
        asyncio.create_task(run_pull_worker(each, client, letters)) for each in service.pull_workers
    ]
    log.info("service_ready", service=service.name)
    try:
        await _until_one_ends(tasks)
    finally:
        await _say_goodbye(micro, service)
        await _cancel([*loops, *tasks])


def _late(letters: list[DeadLetters]) -> Any:
    """The wrapper needs the connection, and the broker needs the wrapper before it connects."""

    def make(*args: Any, **kwargs: Any) -> Any:
        return wrapper(letters[0])(*args, **kwargs)

    return make


def _cancelled_by_signals() -> asyncio.Event:
    """The first SIGTERM or SIGINT cancels the current task; a second must not cut its end short."""
    signalled = asyncio.Event()
    loop, task = asyncio.get_running_loop(), asyncio.current_task()

    def cancel() -> None:
        if not signalled.is_set() and task is not None:
            signalled.set()
            task.cancel()

    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, cancel)
    return signalled


async def _connect(broker: NatsBroker) -> Client:
    """Connect, however long it takes until somebody is there."""
    while True:
        try:
            client: Client = await broker.connect()
        except (OSError, TimeoutError, nats.errors.Error) as error:
            log.warning("nats_away", error=repr(error))
            await asyncio.sleep(0.5)
        else:
            return client


async def _answer(client: Client, service: Service, letters: DeadLetters) -> Any:
    micro = await nats.micro.add_service(
        client,
        ServiceConfig(
            name=f"groundswell-{service.name}",
            version=VERSION,
            description=f"Groundswell's {service.name}",
        ),
    )
    for endpoint in service.endpoints:
        await micro.add_endpoint(
            EndpointConfig(
                name=endpoint.subject.removeprefix("gs.rpc.").replace(".", "-"),
                subject=endpoint.subject,
                handler=_handler(endpoint, letters),
            )
        )
    return micro


def _handler(
    endpoint: Endpoint[Any, Any], letters: DeadLetters
) -> Callable[[Request], Awaitable[None]]:
    name = endpoint.subject.removeprefix("gs.rpc.").replace(".", "-")

    async def answer(request: Request) -> None:
        try:
            question = read_question(request.data, endpoint.question)
            result = await endpoint.handler(question)
        except Garbage as error:
            await letters.bury_request(name, endpoint.subject, request.data, str(error))
            await request.respond(failure(error))
        except Exception as error:  # noqa: BLE001 - the caller must hear of it, whatever it is
            await request.respond(failure(error))
        else:
            await request.respond(success(result))

    return answer


async def _loop(every: PeriodicTask) -> None:
    while True:
        try:
            await every.action()
        except Transient as error:
            log.info("loop_postponed", reason=str(error))
        except GroundswellError as error:
            log.warning("loop_refused", reason=str(error))
        except Exception:
            log.exception("loop_failed")
        await asyncio.sleep(every.seconds)


async def _until_one_ends(tasks: list[asyncio.Task[None]]) -> None:
    """For ever where there is none; what a task raises is raised."""
    if not tasks:
        await asyncio.Event().wait()
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for each in done:
        each.result()


async def _say_goodbye(micro: Any, service: Service) -> None:
    """Whoever we say it to may be gone already."""
    try:
        async with asyncio.timeout(GOODBYE):
            await micro.stop()
            if service.on_stop is not None:
                await service.on_stop()
    except (TimeoutError, GroundswellError, nats.errors.Error) as error:
        log.warning("goodbye_unheard", reason=repr(error))


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for each in tasks:
        each.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
