"""What agents do: register and send heartbeats, measure and import findings, perform tasks."""

from services.agents.deps import AgentDeps
from services.agents.usecases.imports import import_findings
from services.agents.usecases.life import go_offline, register, send_heartbeat
from services.agents.usecases.measure import measure_findings
from services.agents.usecases.perform import perform_task

__all__ = [
    "AgentDeps",
    "go_offline",
    "import_findings",
    "measure_findings",
    "perform_task",
    "register",
    "send_heartbeat",
]
