"""What the validator does: measure the baseline, carry out runs, gate, land, take back."""

from services.validator.usecases.approval import decide
from services.validator.usecases.gate import admit, reconcile, settle
from services.validator.usecases.measure import measure_health
from services.validator.usecases.outcomes import say_again
from services.validator.usecases.pull_requests import show_waiting
from services.validator.usecases.rollback import roll_back, roll_back_all
from services.validator.usecases.runs import carry_out
from services.validator.usecases.watching import look_after

__all__ = [
    "admit",
    "carry_out",
    "decide",
    "look_after",
    "measure_health",
    "reconcile",
    "roll_back",
    "roll_back_all",
    "say_again",
    "settle",
    "show_waiting",
]
