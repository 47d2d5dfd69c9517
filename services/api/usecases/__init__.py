"""What the API does: start and show waves, show and take off enhancements, backtests; tell events."""

from services.api.usecases.backtests import (
    ask_backtest,
    ask_to_stop_backtest,
    list_backtests,
    show_backtest,
)
from services.api.usecases.enhancements import (
    ask_rollback,
    ask_rollback_of_wave,
    ask_rollback_since,
    hand_over,
    list_enhancements,
    show_diff,
    show_enhancement,
    tell_story,
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
    "ask_backtest",
    "ask_rollback",
    "ask_rollback_of_wave",
    "ask_rollback_since",
    "ask_to_stop_backtest",
    "check_ready",
    "get_status",
    "hand_over",
    "list_agents",
    "list_backtests",
    "list_enhancements",
    "list_tasks",
    "list_waves",
    "open_wave",
    "report",
    "show_backtest",
    "show_diff",
    "show_enhancement",
    "show_wave",
    "stop_wave",
    "tell",
    "tell_story",
]
