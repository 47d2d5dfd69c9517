"""Message handlers and RPC endpoints of the coordinator about infinite mode."""

from typing import Any

from faststream.nats import NatsRouter
from faststream.nats.annotations import NatsMessage

from services.coordinator import usecases
from services.coordinator.usecases import CoordinatorDeps
from shared.contracts.answers import InfiniteStatus
from shared.contracts.commands import (
    GetInfiniteMode,
    PauseInfiniteMode,
    ResumeInfiniteMode,
    StartInfiniteMode,
    StopInfiniteMode,
)
from shared.contracts.streams import INFINITE_COMMANDS
from shared.messaging.consumers import of_type, reject_unknown, subscriber_options, with_id
from shared.messaging.rpc import Endpoint


def add_infinite_handlers(router: NatsRouter, deps: CoordinatorDeps) -> None:
    """Add the handlers of the commands about infinite mode to a router."""
    commands = router.subscriber(INFINITE_COMMANDS.filter, **subscriber_options(INFINITE_COMMANDS))

    @commands(filter=of_type(StartInfiniteMode))
    async def do_start(command: StartInfiniteMode, message: NatsMessage) -> None:
        """Start infinite mode on a target, or change its settings."""
        named = with_id(command, "request_id", message)
        await usecases.start_infinite_mode(named, deps, channel="bus")

    @commands(filter=of_type(PauseInfiniteMode))
    async def do_pause(command: PauseInfiniteMode) -> None:
        """Start no more waves."""
        await usecases.pause_infinite_mode(command, deps, channel="bus")

    @commands(filter=of_type(ResumeInfiniteMode))
    async def do_resume(command: ResumeInfiniteMode) -> None:
        """Go on at once."""
        await usecases.resume_infinite_mode(command, deps, channel="bus")

    @commands(filter=of_type(StopInfiniteMode))
    async def do_stop(command: StopInfiniteMode) -> None:
        """End infinite mode, and the wave that it runs."""
        await usecases.stop_infinite_mode(command, deps, channel="bus")

    commands(reject_unknown)


def infinite_answers(deps: CoordinatorDeps) -> tuple[Endpoint[Any, Any], ...]:
    """Return the RPC endpoints about infinite mode."""
    start, pause = usecases.start_infinite_mode, usecases.pause_infinite_mode
    resume, stop = usecases.resume_infinite_mode, usecases.stop_infinite_mode
    status = InfiniteStatus
    return (
        Endpoint(StartInfiniteMode, status, lambda q: start(q, deps, channel="rpc")),
        Endpoint(PauseInfiniteMode, status, lambda q: pause(q, deps, channel="rpc")),
        Endpoint(ResumeInfiniteMode, status, lambda q: resume(q, deps, channel="rpc")),
        Endpoint(StopInfiniteMode, status, lambda q: stop(q, deps, channel="rpc")),
        Endpoint(GetInfiniteMode, status, lambda q: usecases.get_infinite_mode(q, deps)),
    )
