"""Use cases of the coordinator: start, advance, stop and show waves, and watch the agents."""

from services.coordinator.deps import CoordinatorDeps
from services.coordinator.usecases.advance import (
    advance,
    note_environment,
    note_failure,
    reconcile,
    watch_agents,
)
from services.coordinator.usecases.agents import get_active_agents
from services.coordinator.usecases.end import stop_wave
from services.coordinator.usecases.queries import get_status, list_waves, show_wave
from services.coordinator.usecases.start import start_wave

__all__ = [
    "CoordinatorDeps",
    "advance",
    "get_active_agents",
    "get_status",
    "list_waves",
    "note_environment",
    "note_failure",
    "reconcile",
    "show_wave",
    "start_wave",
    "stop_wave",
    "watch_agents",
]
