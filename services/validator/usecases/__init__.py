"""What the validator does: measure the baseline, carry out runs, gate, land, take back, backtest."""

from services.validator.usecases.approval import decide
from services.validator.usecases.backtest import (
    begin_backtest,
    resume_backtests,
    stop_backtest,
)
from services.validator.usecases.benchmarks import carry_out_benchmarks
from services.validator.usecases.gate import admit, reconcile, settle
from services.validator.usecases.measure import measure_health
from services.validator.usecases.outcomes import say_again
from services.validator.usecases.pull_requests import show_waiting
from services.validator.usecases.rollback import roll_back, roll_back_all
from services.validator.usecases.runners import announce, has_room, leave, width
from services.validator.usecases.runs import CARRIERS, carry_out, run_tests, supersede
from services.validator.usecases.watching import look_after
from shared.contracts.base import RunKind

# Here, as it needs what runs are made of and so cannot be known to them.
CARRIERS[RunKind.BENCHMARKS] = carry_out_benchmarks

__all__ = [
    "admit",
    "announce",
    "begin_backtest",
    "carry_out",
    "decide",
    "has_room",
    "leave",
    "look_after",
    "measure_health",
    "reconcile",
    "resume_backtests",
    "roll_back",
    "roll_back_all",
    "run_tests",
    "say_again",
    "settle",
    "show_waiting",
    "stop_backtest",
    "supersede",
    "width",
]
