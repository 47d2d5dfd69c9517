"""The state machines as data. A transition not in a table does not exist.

Every stored state change is one conditional update on (id, state, version): see `shared.mongo`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class WaveState(StrEnum):
    """planned → running → finishing → completed | stopped | failed."""

    PLANNED = "planned"
    RUNNING = "running"
    FINISHING = "finishing"
    COMPLETED = "completed"
    STOPPED = "stopped"
    FAILED = "failed"


class TaskState(StrEnum):
    """waiting → assigned → running → proposed → done | empty | failed | cancelled | dead."""

    WAITING = "waiting"
    ASSIGNED = "assigned"
    RUNNING = "running"
    PROPOSED = "proposed"
    DONE = "done"
    EMPTY = "empty"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DEAD = "dead"


class EnhancementState(StrEnum):
    """proposed → cleared → validating → validated → applied → rolled_back, and the ways out."""

    PROPOSED = "proposed"
    CONFLICTING = "conflicting"
    CLEARED = "cleared"
    VALIDATING = "validating"
    VALIDATED = "validated"
    NEEDS_APPROVAL = "needs_approval"
    APPLIED = "applied"
    ROLLED_BACK = "rolled_back"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    ADVISORY = "advisory"


class LeaseState(StrEnum):
    """held → released | expired."""

    HELD = "held"
    RELEASED = "released"
    EXPIRED = "expired"


class AgentState(StrEnum):
    """idle ⇄ active, error, offline."""

    IDLE = "idle"
    ACTIVE = "active"
    ERROR = "error"
    OFFLINE = "offline"


class PullRequestState(StrEnum):
    """wanted → open | pushed (no token, so people open it) | refused; wanted again when it grows."""

    WANTED = "wanted"
    OPEN = "open"
    PUSHED = "pushed"
    REFUSED = "refused"


class RunState(StrEnum):
    """A run of the gate: requested → finished, or superseded: nobody wants to know any more."""

    REQUESTED = "requested"
    FINISHED = "finished"
    SUPERSEDED = "superseded"


class BacktestState(StrEnum):
    """running → completed | stopped | failed."""

    RUNNING = "running"
    COMPLETED = "completed"
    STOPPED = "stopped"
    FAILED = "failed"


class WatchState(StrEnum):
    """watching → quiet | reverted (something of it was taken off) | given_up (and could not be)."""

    WATCHING = "watching"
    QUIET = "quiet"
    REVERTED = "reverted"
    GIVEN_UP = "given_up"


W, T, E = WaveState, TaskState, EnhancementState


@dataclass(frozen=True)
class Machine:
    """A state machine: which trigger leads from which state to which, and where it ends."""

    name: str
    initial: StrEnum
    transitions: Mapping[tuple[Any, str], Any]

    def target(self, state: Any, trigger: str) -> Any | None:
        """The state after `trigger`, or None where the table does not allow it."""
        return self.transitions.get((state, trigger))

    def sources(self, trigger: str) -> tuple[Any, ...]:
        """The states that allow `trigger`."""
        return tuple(state for state, name in self.transitions if name == trigger)

    def terminal(self, state: Any) -> bool:
        """Whether nothing leads out of `state`."""
        return all(source != state for source, _ in self.transitions)


WAVE = Machine(
    "wave",
    W.PLANNED,
    {
        (W.PLANNED, "run"): W.RUNNING,
        (W.PLANNED, "complete"): W.COMPLETED,
        (W.PLANNED, "stop"): W.STOPPED,
        (W.PLANNED, "fail"): W.FAILED,
        (W.RUNNING, "finish"): W.FINISHING,
        (W.RUNNING, "stop"): W.STOPPED,
        (W.RUNNING, "fail"): W.FAILED,
        (W.FINISHING, "complete"): W.COMPLETED,
        (W.FINISHING, "stop"): W.STOPPED,
        (W.FINISHING, "fail"): W.FAILED,
    },
)

TASK = Machine(
    "task",
    T.WAITING,
    {
        (T.WAITING, "assign"): T.ASSIGNED,
        (T.ASSIGNED, "start"): T.RUNNING,
        (T.RUNNING, "propose"): T.PROPOSED,
        (T.RUNNING, "find_nothing"): T.EMPTY,
        (T.RUNNING, "fail"): T.FAILED,
        (T.PROPOSED, "finish"): T.DONE,
        # A lease lost or an agent lost sends the task back to ask for a new epoch.
        (T.ASSIGNED, "wait"): T.WAITING,
        (T.RUNNING, "wait"): T.WAITING,
        **{
            (state, "cancel"): T.CANCELLED
            for state in (T.WAITING, T.ASSIGNED, T.RUNNING, T.PROPOSED)
        },
        **{(state, "bury"): T.DEAD for state in (T.WAITING, T.ASSIGNED, T.RUNNING)},
    },
)

ENHANCEMENT = Machine(
    "enhancement",
    E.PROPOSED,
    {
        (E.PROPOSED, "clear"): E.CLEARED,
        (E.PROPOSED, "conflict"): E.CONFLICTING,
        (E.CONFLICTING, "resolve"): E.PROPOSED,
        (E.PROPOSED, "advise"): E.ADVISORY,
        (E.CLEARED, "validate"): E.VALIDATING,
        (E.VALIDATING, "pass"): E.VALIDATED,
        (E.VALIDATED, "land"): E.APPLIED,
        (E.APPLIED, "roll_back"): E.ROLLED_BACK,
        # The head moved or the gate was interrupted: back into the pool, nothing is lost.
        (E.VALIDATING, "return"): E.CLEARED,
        (E.VALIDATED, "return"): E.CLEARED,
        (E.VALIDATING, "ask"): E.NEEDS_APPROVAL,
        (E.NEEDS_APPROVAL, "approve"): E.CLEARED,
        **{
            (state, "reject"): E.REJECTED
            for state in (E.PROPOSED, E.CONFLICTING, E.CLEARED, E.VALIDATING, E.NEEDS_APPROVAL)
        },
        **{
            (state, "supersede"): E.SUPERSEDED
            for state in (E.PROPOSED, E.CONFLICTING, E.CLEARED, E.VALIDATING, E.NEEDS_APPROVAL)
        },
        **{
            (state, "expire"): E.EXPIRED
            for state in (E.PROPOSED, E.CONFLICTING, E.CLEARED, E.VALIDATING, E.NEEDS_APPROVAL)
        },
    },
)

LEASE = Machine(
    "lease",
    LeaseState.HELD,
    {
        (LeaseState.HELD, "release"): LeaseState.RELEASED,
        (LeaseState.HELD, "expire"): LeaseState.EXPIRED,
    },
)

AGENT = Machine(
    "agent",
    AgentState.IDLE,
    {
        (AgentState.IDLE, "take"): AgentState.ACTIVE,
        (AgentState.ACTIVE, "rest"): AgentState.IDLE,
        (AgentState.ACTIVE, "err"): AgentState.ERROR,
        (AgentState.ERROR, "rest"): AgentState.IDLE,
        (AgentState.ERROR, "take"): AgentState.ACTIVE,
        (AgentState.OFFLINE, "rest"): AgentState.IDLE,
        **{
            (state, "lose"): AgentState.OFFLINE
            for state in (AgentState.IDLE, AgentState.ACTIVE, AgentState.ERROR)
        },
    },
)

P = PullRequestState
PULL_REQUEST = Machine(
    "pull_request",
    P.WANTED,
    {
        **{(state, "want"): P.WANTED for state in P},
        (P.WANTED, "open"): P.OPEN,
        (P.WANTED, "push"): P.PUSHED,
        (P.WANTED, "refuse"): P.REFUSED,
    },
)

R = RunState
RUN = Machine(
    "run",
    R.REQUESTED,
    {
        (R.REQUESTED, "finish"): R.FINISHED,
        (R.REQUESTED, "supersede"): R.SUPERSEDED,
        # Wanted after all.
        (R.SUPERSEDED, "request"): R.REQUESTED,
    },
)

B = BacktestState
BACKTEST = Machine(
    "backtest",
    B.RUNNING,
    {
        (B.RUNNING, "complete"): B.COMPLETED,
        (B.RUNNING, "stop"): B.STOPPED,
        (B.RUNNING, "fail"): B.FAILED,
    },
)

WATCH = Machine(
    "watch",
    WatchState.WATCHING,
    {
        (WatchState.WATCHING, "rest"): WatchState.QUIET,
        (WatchState.WATCHING, "revert"): WatchState.REVERTED,
        (WatchState.WATCHING, "give_up"): WatchState.GIVEN_UP,
    },
)

MACHINES = (WAVE, TASK, ENHANCEMENT, LEASE, AGENT, PULL_REQUEST, RUN, BACKTEST, WATCH)
