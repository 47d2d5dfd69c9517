"""Named places where a process may be killed, so that a test can prove that nothing is lost there.

A process started with GROUNDSWELL_FAULT=name, or name:n for the n-th time it comes by, dies at that
place as by kill -9. Without the variable a fault point does nothing.
"""

import os
import signal

VARIABLE = "GROUNDSWELL_FAULT"
# Every place there is, in the order in which one enhancement comes by.
POINTS = (
    "environment.begun",
    "environment.built",
    "run.finished",
    "verdict.stored",
    "landing.composed",
    "landing.moved",
    "landing.pushed",
    "landing.saved",
    "landing.said",
    "rollback.begun",
    "rollback.tested",
    "rollback.pushed",
    "rollback.saved",
)

_passed: dict[str, int] = {}


def fault(point: str) -> None:
    """Die here, if that was asked for."""
    wanted, _, time = os.environ.get(VARIABLE, "").partition(":")
    if wanted != point:
        return
    _passed[point] = _passed.get(point, 0) + 1
    if _passed[point] == int(time or 1):
        os.kill(os.getpid(), signal.SIGKILL)
