"""Failpoints: named places where a test can kill the process, to prove that no work is lost there.

`GROUNDSWELL_FAILPOINTS=name:n:marker` kills the process by SIGKILL when it reaches the failpoint
`name` for the n-th time, and only once: the process creates the file `marker` first, and does not
die where that file exists. Several are separated by commas. Without the variable a failpoint does
nothing.
"""

import os
import signal

ENVIRONMENT_VARIABLE = "GROUNDSWELL_FAILPOINTS"
# All failpoints, in the order in which an enhancement passes them.
FAILPOINTS = (
    "lease.saved",
    "lease.granted",
    "lease.published",
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

_times_reached: dict[str, int] = {}


def failpoint(name: str) -> None:
    """Kill this process, once, if `GROUNDSWELL_FAILPOINTS` names this failpoint."""
    for each in os.environ.get(ENVIRONMENT_VARIABLE, "").split(","):
        wanted, _, rest = each.partition(":")
        if wanted == name:
            number, _, marker = rest.partition(":")
            _kill_once(name, int(number or 1), marker)


def _kill_once(name: str, number: int, marker: str) -> None:
    """Kill this process at the `number`-th call for `name`, unless the file `marker` exists."""
    _times_reached[name] = _times_reached.get(name, 0) + 1
    if _times_reached[name] < number:
        return
    try:
        os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
