"""The coordinator's doors: commands and events in, questions answered."""

from typing import Any

from faststream.nats import NatsMessage, NatsRouter
from pydantic import ValidationError

from services.coordinator import usecases
from services.coordinator.usecases import CoordinatorDeps
from shared.contracts.answers import AgentList, Status, Stopped, WaveAccepted, WaveList, WaveShown
from shared.contracts.commands import (
    GetAgents,
    GetStatus,
    GetWave,
    GetWaves,
    StartWave,
    StopWave,
)
from shared.contracts.events import EVENT_BY_SUBJECT, EnvironmentBuilt, Event, MeasurementFailed
from shared.contracts.streams import EVENTS_FOR_COORDINATOR, INFINITE_COMMANDS, WAVE_COMMANDS
from shared.kernel.errors import Rejected
from shared.messaging.consumers import only, unknown, work
from shared.messaging.rpc import Endpoint, explain


def handlers(deps: CoordinatorDeps) -> NatsRouter:
    """Subscribers over `deps`."""
    router = NatsRouter()
    waves = router.subscriber(WAVE_COMMANDS.filter, **work(WAVE_COMMANDS))

    @waves(filter=only(StartWave))
    async def do_start_wave(command: StartWave) -> None:
        await usecases.start_wave(command, deps, door="bus")

    @waves(filter=only(StopWave))
    async def do_stop_wave(command: StopWave) -> None:
        await usecases.stop_wave(command, deps)

    waves(unknown)
    router.subscriber(INFINITE_COMMANDS.filter, **work(INFINITE_COMMANDS))(unknown)

    @router.subscriber(EVENTS_FOR_COORDINATOR.filter, **work(EVENTS_FOR_COORDINATOR))
    async def on_event(body: Any, message: NatsMessage) -> None:
        await on(read_event(message.raw_message.subject, body), deps)

    return router


def read_event(subject: str, body: Any) -> Event:
    """The event; one that nobody declared, or that does not validate, is refused."""
    kind = EVENT_BY_SUBJECT.get(subject)
    if kind is None:
        raise Rejected(f"{subject} is no event.", hint="See docs/messages.md.")
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        raise Rejected(f"The body is invalid. {explain(error)}") from None


async def on(event: Event, deps: CoordinatorDeps) -> None:
    """A wave's events advance it; what could not be measured ends it."""
    wave_id: str | None = getattr(event, "wave_id", None)
    if wave_id is None:
        return
    if isinstance(event, MeasurementFailed):
        await usecases.note_failure(event, deps)
    elif isinstance(event, EnvironmentBuilt):
        await usecases.note_environment(event, deps)
    else:
        await usecases.advance(wave_id, deps)


def answers(deps: CoordinatorDeps) -> tuple[Endpoint[Any, Any], ...]:
    """Questions over `deps`."""
    return (
        Endpoint(StartWave, WaveAccepted, lambda q: usecases.start_wave(q, deps, door="rpc")),
        Endpoint(StopWave, Stopped, lambda q: usecases.stop_wave(q, deps)),
        Endpoint(GetWaves, WaveList, lambda q: usecases.list_waves(q, deps)),
        Endpoint(GetWave, WaveShown, lambda q: usecases.show_wave(q, deps)),
        Endpoint(GetAgents, AgentList, lambda q: usecases.get_active_agents(q, deps)),
        Endpoint(GetStatus, Status, lambda q: usecases.get_status(q, deps)),
    )
