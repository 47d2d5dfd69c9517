"""What the API does: start and show waves, show and take off enhancements, tell events."""

from services.api.usecases.enhancements import (
    ask_rollback,
    ask_rollback_of_wave,
    ask_rollback_since,
    hand_over,
    list_enhancements,
    show_diff,
    show_enhancement,
)
from services.api.usecases.events import tell
from services.api.usecases.health import check_ready, get_status
from services.api.usecases.waves import (
    list_agents,
    list_tasks,
    list_waves,
    open_wave,
    report,
    show_wave,
    stop_wave,
)

__all__ = [
    "ask_rollback",
    "ask_rollback_of_wave",
    "ask_rollback_since",
    "check_ready",
    "get_status",
    "hand_over",
    "list_agents",
    "list_enhancements",
    "list_tasks",
    "list_waves",
    "open_wave",
    "report",
    "show_diff",
    "show_enhancement",
    "show_wave",
    "stop_wave",
    "tell",
]
