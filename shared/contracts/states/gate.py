"""The states of test runs, backtests and watches."""

from enum import StrEnum

from shared.contracts.states.machine import Machine


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
