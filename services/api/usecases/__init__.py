"""The use cases of the API: one function for each thing a client may ask."""

from services.api.usecases.approvals import list_approvals, submit_decisions
from services.api.usecases.backtests import (
    get_backtest,
    list_backtests,
    start_backtest,
    stop_backtest,
)
from services.api.usecases.enhancements import (
    await_enhancement,
    get_diff,
    get_enhancement,
    get_story,
    list_enhancements,
    roll_back_enhancement,
    roll_back_since,
    roll_back_wave,
    submit_decision,
)
from services.api.usecases.events import stream_events
from services.api.usecases.findings import export_findings, import_findings, list_findings
from services.api.usecases.health import check_ready, get_status
from services.api.usecases.keys import create_key, list_keys, revoke_key, rotate_key
from services.api.usecases.listings import (
    get_target,
    list_conflicts,
    list_leases,
    list_targets,
)
from services.api.usecases.waves import (
    await_wave,
    get_wave,
    get_wave_report,
    list_agents,
    list_tasks,
    list_waves,
    start_wave,
    stop_wave,
)

__all__ = [
    "await_enhancement",
    "await_wave",
    "check_ready",
    "create_key",
    "export_findings",
    "get_backtest",
    "get_diff",
    "get_enhancement",
    "get_status",
    "get_story",
    "get_target",
    "get_wave",
    "get_wave_report",
    "import_findings",
    "list_agents",
    "list_approvals",
    "list_backtests",
    "list_conflicts",
    "list_enhancements",
    "list_findings",
    "list_keys",
    "list_leases",
    "list_targets",
    "list_tasks",
    "list_waves",
    "revoke_key",
    "roll_back_enhancement",
    "roll_back_since",
    "roll_back_wave",
    "rotate_key",
    "start_backtest",
    "start_wave",
    "stop_backtest",
    "stop_wave",
    "stream_events",
    "submit_decision",
    "submit_decisions",
]
