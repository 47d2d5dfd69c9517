"""The states of waves and their tasks."""

from enum import StrEnum

from shared.contracts.states.machine import Machine


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


W, T = WaveState, TaskState


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
