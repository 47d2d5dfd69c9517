"""The state machines, as data. A transition that is not in a table is not allowed.

Every stored transition is one conditional update on (id, state, version); see `shared.mongo`.
"""

from shared.contracts.states.agents import AGENT, OPEN_AGENT_STATES, AgentState
from shared.contracts.states.deliveries import DELIVERY, DeliveryState
from shared.contracts.states.enhancements import ENHANCEMENT, EnhancementState
from shared.contracts.states.gate import BACKTEST, RUN, WATCH, BacktestState, RunState, WatchState
from shared.contracts.states.infinite import INFINITE, InfiniteState
from shared.contracts.states.landing import PULL_REQUEST, RELEASE, PullRequestState, ReleaseState
from shared.contracts.states.leases import LEASE, LeaseState
from shared.contracts.states.machine import Machine
from shared.contracts.states.waves import TASK, WAVE, TaskState, WaveState

MACHINES = (
    WAVE,
    TASK,
    ENHANCEMENT,
    LEASE,
    AGENT,
    PULL_REQUEST,
    RELEASE,
    RUN,
    BACKTEST,
    WATCH,
    DELIVERY,
    INFINITE,
)

__all__ = [
    "AGENT",
    "BACKTEST",
    "DELIVERY",
    "ENHANCEMENT",
    "INFINITE",
    "LEASE",
    "MACHINES",
    "OPEN_AGENT_STATES",
    "PULL_REQUEST",
    "RELEASE",
    "RUN",
    "TASK",
    "WATCH",
    "WAVE",
    "AgentState",
    "BacktestState",
    "DeliveryState",
    "EnhancementState",
    "InfiniteState",
    "LeaseState",
    "Machine",
    "PullRequestState",
    "ReleaseState",
    "RunState",
    "TaskState",
    "WatchState",
    "WaveState",
]
