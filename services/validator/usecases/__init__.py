"""What the validator does: measure the baseline, carry out runs, gate, land, take back, backtest."""

from services.validator.usecases.approval import decide
from services.validator.usecases.backtest import (
    begin_backtest,
    resume_backtests,
    stop_backtest,
)
from services.validator.usecases.gate import admit, reconcile, settle
from services.validator.usecases.measure import measure_health
from services.validator.usecases.outcomes import say_again
from services.validator.usecases.pull_requests import show_waiting
from services.validator.usecases.rollback import roll_back, roll_back_all
from services.validator.usecases.runs import carry_out

__all__ = [
    "admit",
    "begin_backtest",
    "carry_out",
    "decide",
    "measure_health",
    "reconcile",
    "resume_backtests",
    "roll_back",
    "roll_back_all",
    "say_again",
    "settle",
    "show_waiting",
    "stop_backtest",
]
