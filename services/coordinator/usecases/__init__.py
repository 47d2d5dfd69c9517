"""Use cases of the coordinator: waves, their agents, and infinite mode."""

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
from services.coordinator.usecases.infinite import (
    get_infinite_mode,
    pause_infinite_mode,
    resume_infinite_mode,
    start_infinite_mode,
    stop_infinite_mode,
)
from services.coordinator.usecases.infinite_loop import (
    InfiniteLoop,
    pause_after_restart,
    run_infinite_modes,
)
from services.coordinator.usecases.queries import get_status, list_waves, show_wave
from services.coordinator.usecases.start import start_wave

__all__ = [
    "CoordinatorDeps",
    "InfiniteLoop",
    "advance",
    "get_active_agents",
    "get_infinite_mode",
    "get_status",
    "list_waves",
    "note_environment",
    "note_failure",
    "pause_after_restart",
    "pause_infinite_mode",
    "reconcile",
    "resume_infinite_mode",
    "run_infinite_modes",
    "show_wave",
    "start_infinite_mode",
    "start_wave",
    "stop_infinite_mode",
    "stop_wave",
    "watch_agents",
]
