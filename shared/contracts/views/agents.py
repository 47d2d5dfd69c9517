"""What clients are shown of agents."""

from datetime import datetime

from shared.contracts.base import (
    AgentTypeName,
    Id,
    Value,
)
from shared.contracts.states import (
    AgentState,
)


class AgentView(Value):
    """A deployed agent, and what it is at in the words of `doing`.

    `host` and `pid` are those of the process that runs it or ran it last. `seconds` is how long it
    was at work, without a stint that goes on since `active_since`.

    Flat: one row of a list.
    """

    id: Id
    name: str
    type: AgentTypeName
    wave_id: Id
    focus: str
    assignment: str
    state: AgentState
    doing: str
    host: str
    pid: int | None
    active_since: datetime | None
    heartbeat_at: datetime | None
    seconds: float
    deployed_at: datetime
    retired_at: datetime | None
