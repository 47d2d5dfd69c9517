"""The state machines, as data. A transition that is not in a table is not allowed.

Every stored transition is one conditional update on (id, state, version); see `shared.mongo`.
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
    """deployed → active ⇄ idle | error | offline (its process was lost) → retired."""

    DEPLOYED = "deployed"
    ACTIVE = "active"
    IDLE = "idle"
    ERROR = "error"
    OFFLINE = "offline"
    RETIRED = "retired"


# The states of agents whose waves go on. A list, as queries take it.
OPEN_AGENT_STATES = [each for each in AgentState if each is not AgentState.RETIRED]


class PullRequestState(StrEnum):
    """wanted → open | pushed (no token: people open it) | refused; wanted again when it grows."""

    WANTED = "wanted"
    OPEN = "open"
    PUSHED = "pushed"
    REFUSED = "refused"


class ReleaseState(StrEnum):
    """wanted → draft | published | refused; undoing → undone | refused, once rolled back."""

    WANTED = "wanted"
    DRAFT = "draft"
    PUBLISHED = "published"
    REFUSED = "refused"
    UNDOING = "undoing"
    UNDONE = "undone"


class RunState(StrEnum):
    """requested → finished | superseded (its result is no longer needed)."""

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
    """watching → quiet | reverted (a change was rolled back) | given_up (a rollback failed)."""

    WATCHING = "watching"
    QUIET = "quiet"
    REVERTED = "reverted"
    GIVEN_UP = "given_up"


W, T, E = WaveState, TaskState, EnhancementState


@dataclass(frozen=True)
class Machine:
    """A state machine: the state each trigger leads to, by the state it starts from."""

    name: str
    initial: StrEnum
    transitions: Mapping[tuple[Any, str], Any]

    def target(self, state: Any, trigger: str) -> Any | None:
        """Return the state after `trigger`, or None where it is not allowed."""
        return self.transitions.get((state, trigger))

    def sources(self, trigger: str) -> tuple[Any, ...]:
        """Return the states that allow `trigger`."""
        return tuple(state for state, name in self.transitions if name == trigger)

    def terminal(self, state: Any) -> bool:
        """Return whether no transition leaves `state`."""
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
        # A lost lease or a lost agent: the task needs a new epoch.
        (T.ASSIGNED, "requeue"): T.WAITING,
        (T.RUNNING, "requeue"): T.WAITING,
        **{
            (state, "cancel"): T.CANCELLED
            for state in (T.WAITING, T.ASSIGNED, T.RUNNING, T.PROPOSED)
        },
        **{(state, "dead_letter"): T.DEAD for state in (T.WAITING, T.ASSIGNED, T.RUNNING)},
    },
)

ENHANCEMENT = Machine(
    "enhancement",
    E.PROPOSED,
    {
        (E.PROPOSED, "clear"): E.CLEARED,
        # It waits for another one, which it overlaps; the gate has not begun with it.
        (E.PROPOSED, "conflict"): E.CONFLICTING,
        (E.CLEARED, "conflict"): E.CONFLICTING,
        (E.CONFLICTING, "clear"): E.CLEARED,
        (E.PROPOSED, "advise"): E.ADVISORY,
        (E.CLEARED, "validate"): E.VALIDATING,
        (E.VALIDATING, "pass"): E.VALIDATED,
        (E.VALIDATED, "land"): E.APPLIED,
        (E.APPLIED, "roll_back"): E.ROLLED_BACK,
        # The head moved or the gate was interrupted: the change is queued again.
        (E.VALIDATING, "requeue"): E.CLEARED,
        (E.VALIDATED, "requeue"): E.CLEARED,
        (E.VALIDATING, "request_approval"): E.NEEDS_APPROVAL,
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

A = AgentState
AGENT = Machine(
    "agent",
    A.DEPLOYED,
    {
        # Of an active agent, by the worker that runs it: it had lost the database.
        **{(state, "start_work"): A.ACTIVE for state in OPEN_AGENT_STATES},
        (A.ACTIVE, "become_idle"): A.IDLE,
        (A.ACTIVE, "fail"): A.ERROR,
        (A.ACTIVE, "go_offline"): A.OFFLINE,
        **{(state, "retire"): A.RETIRED for state in OPEN_AGENT_STATES},
    },
)

P = PullRequestState
PULL_REQUEST = Machine(
    "pull_request",
    P.WANTED,
    {
        **{(state, "request"): P.WANTED for state in P},
        (P.WANTED, "open"): P.OPEN,
        (P.WANTED, "push"): P.PUSHED,
        (P.WANTED, "refuse"): P.REFUSED,
    },
)

L = ReleaseState
RELEASE = Machine(
    "release",
    L.WANTED,
    {
        (L.WANTED, "save"): L.DRAFT,
        (L.WANTED, "publish"): L.PUBLISHED,
        **{(state, "refuse"): L.REFUSED for state in (L.WANTED, L.UNDOING)},
        **{(state, "undo"): L.UNDOING for state in (L.WANTED, L.DRAFT, L.PUBLISHED)},
        (L.UNDOING, "finish"): L.UNDONE,
    },
)

R = RunState
RUN = Machine(
    "run",
    R.REQUESTED,
    {
        (R.REQUESTED, "finish"): R.FINISHED,
        (R.REQUESTED, "supersede"): R.SUPERSEDED,
        # Its result is needed after all.
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
        (WatchState.WATCHING, "complete"): WatchState.QUIET,
        (WatchState.WATCHING, "revert"): WatchState.REVERTED,
        (WatchState.WATCHING, "give_up"): WatchState.GIVEN_UP,
    },
)

MACHINES = (WAVE, TASK, ENHANCEMENT, LEASE, AGENT, PULL_REQUEST, RELEASE, RUN, BACKTEST, WATCH)
