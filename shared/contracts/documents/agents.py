"""Deployed agents, and the worker processes that run them."""

from datetime import datetime

from shared.contracts.base import (
    AgentTypeName,
    EngineName,
    Id,
    Value,
)
from shared.contracts.documents.base import Document
from shared.contracts.states import (
    AgentState,
)


class Stint(Value):
    """The time in which one worker process runs an agent, on one task under one lease epoch.

    It has ended where its agent is no longer active; `heartbeat_at` is then the last sign of it.
    """

    task_id: Id
    epoch: int
    worker_id: Id
    host: str
    pid: int
    heartbeat_seconds: float
    started_at: datetime
    heartbeat_at: datetime


class Agent(Document):
    """A worker that a wave deployed, under a name that no other of it has.

    Its `focus` is the component, and the part of it in brackets, that it works on.

    Whichever process runs it is its `stint`, the present or the last one. `seconds` is how long it
    was at work in the stints that have ended.
    """

    id: Id
    name: str
    type: AgentTypeName
    wave_id: Id
    target_id: Id
    focus: str
    assignment: str
    state: AgentState = AgentState.DEPLOYED
    stint: Stint | None = None
    seconds: float = 0
    deployed_at: datetime
    retired_at: datetime | None = None

    @property
    def state_key(self) -> str:
        """A key of its present state that differs each time it changes."""
        return f"{self.id}:{self.version}"

    @property
    def last_sign(self) -> datetime:
        """When the process that runs it, or ran it last, sent a heartbeat."""
        return self.stint.heartbeat_at if self.stint else self.deployed_at

    def seconds_until(self, end: datetime) -> float:
        """Return how long it was at work in all, if a present stint ends at `end`."""
        if self.stint is None or self.state is not AgentState.ACTIVE:
            return self.seconds
        return self.seconds + max((end - self.stint.started_at).total_seconds(), 0)


class Worker(Document):
    """A process that runs agents of these types, at most `slots` of them at once."""

    id: Id
    host: str
    pid: int
    types: tuple[AgentTypeName, ...]
    engines: tuple[EngineName, ...]
    capabilities: tuple[str, ...] = ()
    slots: int
    heartbeat_seconds: float
    started_at: datetime
    heartbeat_at: datetime
