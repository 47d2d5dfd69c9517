"""Named places where a process may be killed, so that a test can prove that nothing is lost there.

GROUNDSWELL_FAILPOINTS=name:n:marker kills the process, as kill -9 does, the n-th time it comes by that place,
once: the file `marker` says that it happened. Several are separated by commas. Without the variable a
fault point does nothing.
"""

import os
import signal

ENVIRONMENT_VARIABLE = "GROUNDSWELL_FAILPOINTS"
# Every place there is, in the order in which one enhancement comes by.
FAILPOINTS = (
    "environment.begun",
    "environment.built",
    "run.finished",
    "run.stored",
    "landing.committed",
    "landing.moved",
    "landing.pushed",
    "pull_request.wanted",
    "pull_request.pushed",
    "pull_request.opened",
    "landing.saved",
    "landing.published",
    "rollback.begun",
    "rollback.tested",
    "rollback.committed",
    "rollback.pushed",
    "rollback.saved",
)

_passed: dict[str, int] = {}


def failpoint(point: str) -> None:
    """Die here, if that was asked for and has not happened yet."""
    for each in os.environ.get(ENVIRONMENT_VARIABLE, "").split(","):
        wanted, _, rest = each.partition(":")
        if wanted == point:
            number, _, marker = rest.partition(":")
            _die(point, int(number or 1), marker)


def _die(point: str, number: int, marker: str) -> None:
    _passed[point] = _passed.get(point, 0) + 1
    if _passed[point] < number:
        return
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
