"""The use cases of the API: one function for each thing a client may ask."""

from services.api.usecases.approvals import list_approvals, submit_decisions
from services.api.usecases.backtests import (
    get_backtest,
    list_backtests,
    start_backtest,
    stop_backtest,
)
from services.api.usecases.choices import explain_task
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
from services.api.usecases.inbound import WrongSignature, receive_message
from services.api.usecases.keys import create_key, list_keys, revoke_key, rotate_key
from services.api.usecases.listings import (
    get_target,
    list_conflicts,
    list_leases,
    list_targets,
)
from services.api.usecases.n8n import (
    deploy_agents,
    get_system_health,
    stop_agents,
    validate_enhancement,
)
from services.api.usecases.sending import DeliverySender
from services.api.usecases.subscriptions import follow_events
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
from services.api.usecases.webhooks import (
    change_webhook,
    create_sender,
    create_webhook,
    delete_webhook,
    get_delivery,
    get_webhook,
    list_deliveries,
    list_webhooks,
    replay_dead,
    replay_delivery,
    rotate_secret,
    send_test,
)

__all__ = [
    "DeliverySender",
    "WrongSignature",
    "await_enhancement",
    "await_wave",
    "change_webhook",
    "check_ready",
    "create_key",
    "create_sender",
    "create_webhook",
    "delete_webhook",
    "deploy_agents",
    "explain_task",
    "export_findings",
    "follow_events",
    "get_backtest",
    "get_delivery",
    "get_diff",
    "get_enhancement",
    "get_status",
    "get_story",
    "get_system_health",
    "get_target",
    "get_wave",
    "get_wave_report",
    "get_webhook",
    "import_findings",
    "list_agents",
    "list_approvals",
    "list_backtests",
    "list_conflicts",
    "list_deliveries",
    "list_enhancements",
    "list_findings",
    "list_keys",
    "list_leases",
    "list_targets",
    "list_tasks",
    "list_waves",
    "list_webhooks",
    "receive_message",
    "replay_dead",
    "replay_delivery",
    "revoke_key",
    "roll_back_enhancement",
    "roll_back_since",
    "roll_back_wave",
    "rotate_key",
    "rotate_secret",
    "send_test",
    "start_backtest",
    "start_wave",
    "stop_agents",
    "stop_backtest",
    "stop_wave",
    "stream_events",
    "submit_decision",
    "submit_decisions",
    "validate_enhancement",
]
