"""Message handlers and RPC endpoints of the coordinator."""

from typing import Any

from faststream.nats import NatsRouter
from faststream.nats.annotations import NatsMessage

from services.coordinator import usecases
from services.coordinator.handlers.infinite import add_infinite_handlers, infinite_answers
from services.coordinator.usecases import CoordinatorDeps
from shared.contracts.answers import (
    AgentList,
    Status,
    StoppedWaves,
    WaveAccepted,
    WaveList,
)
from shared.contracts.commands import (
    GetAgents,
    GetStatus,
    GetWave,
    GetWaves,
    StartWave,
    StopWave,
)
from shared.contracts.events import EnvironmentBuilt, MeasurementFailed, WaveEvent
from shared.contracts.streams import (
    EVENTS_FOR_COORDINATOR,
    WAVE_ADVANCING_EVENTS,
    WAVE_COMMANDS,
)
from shared.contracts.views import WaveDetails
from shared.messaging.consumers import of_type, reject_unknown, subscriber_options, with_id
from shared.messaging.rpc import Endpoint


def handlers(deps: CoordinatorDeps) -> NatsRouter:
    """Return the message handlers of the coordinator."""
    router = NatsRouter()
    waves = router.subscriber(WAVE_COMMANDS.filter, **subscriber_options(WAVE_COMMANDS))

    @waves(filter=of_type(StartWave))
    async def do_start_wave(command: StartWave, message: NatsMessage) -> None:
        """Start the wave that a command on the bus asks for."""
        await usecases.start_wave(with_id(command, "wave_id", message), deps, channel="bus")

    @waves(filter=of_type(StopWave))
    async def do_stop_wave(command: StopWave) -> None:
        """Stop the wave that the command names, or every open one."""
        await usecases.stop_wave(command, deps)

    waves(reject_unknown)
    add_infinite_handlers(router, deps)

    events = router.subscriber(
        EVENTS_FOR_COORDINATOR.filter, **subscriber_options(EVENTS_FOR_COORDINATOR)
    )

    @events(filter=of_type(MeasurementFailed))
    async def on_measurement_failed(event: MeasurementFailed) -> None:
        """Fail the wave whose findings or baseline could not be measured."""
        await usecases.note_failure(event, deps)

    @events(filter=of_type(EnvironmentBuilt))
    async def on_environment_built(event: EnvironmentBuilt) -> None:
        """Store with the wave how long its test environment took to build, and its notes."""
        await usecases.note_environment(event, deps)

    @events(filter=of_type(*WAVE_ADVANCING_EVENTS))
    async def on_wave_event(event: WaveEvent) -> None:
        """Take the next steps of the wave that the event is about."""
        await usecases.advance(event.wave_id, deps)

    return router


def answers(deps: CoordinatorDeps) -> tuple[Endpoint[Any, Any], ...]:
    """Return the RPC endpoints of the coordinator."""
    return (
        Endpoint(StartWave, WaveAccepted, lambda q: usecases.start_wave(q, deps, channel="rpc")),
        Endpoint(StopWave, StoppedWaves, lambda q: usecases.stop_wave(q, deps)),
        Endpoint(GetWaves, WaveList, lambda q: usecases.list_waves(q, deps)),
        Endpoint(GetWave, WaveDetails, lambda q: usecases.show_wave(q, deps)),
        Endpoint(GetAgents, AgentList, lambda q: usecases.get_active_agents(q, deps)),
        Endpoint(GetStatus, Status, lambda q: usecases.get_status(q, deps)),
        *infinite_answers(deps),
    )
