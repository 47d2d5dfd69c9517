"""Registered agents."""

from datetime import datetime

from shared.contracts.base import (
    AgentTypeName,
    EngineName,
    Id,
)
from shared.contracts.documents.base import Document
from shared.contracts.states import (
    AgentState,
)


class Agent(Document):
    """A registered worker.

    It goes offline when its last heartbeat is older than the coordinator allows.
    """

    id: Id
    name: str
    types: tuple[AgentTypeName, ...]
    engines: tuple[EngineName, ...]
    capabilities: tuple[str, ...] = ()
    state: AgentState = AgentState.IDLE
    task_id: Id | None = None
    pid: int
    host: str
    started_at: datetime
    heartbeat_at: datetime
