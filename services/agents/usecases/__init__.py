"""What agents do: register and beat, measure findings, perform tasks."""

from services.agents.deps import AgentDeps
from services.agents.usecases.life import beat, leave, register
from services.agents.usecases.measure import measure_findings
from services.agents.usecases.perform import perform_task

__all__ = ["AgentDeps", "beat", "leave", "measure_findings", "perform_task", "register"]
