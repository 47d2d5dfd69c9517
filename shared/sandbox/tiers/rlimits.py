"""Tier D: a process group of its own, a scrubbed environment and resource limits. It isolates little."""

import os

from shared.sandbox import processes
from shared.sandbox.job import Begun, Job, places

NOT_THERE = 127
# Its processes are descendants of their supervisor.
BELOW_US = True


def preload() -> None:
    """Nothing that is not loaded anyway."""


def begin(job: Job, output: int) -> Begun:
    """Start it with our own rights."""
    opened = places(job)
    child = processes.fork_child()
    if child == 0:
        processes.settle(output, processes.kernel_limits(job.limits))
        execute(job)
    return Begun(child, opened)


def execute(job: Job) -> None:
    """Become the command; what cannot be run is said where its output goes."""
    try:
        os.chdir(job.tree)
        os.execvpe(job.argv[0], job.argv, job.env)  # noqa: S606
    except OSError as error:
        where = error.filename or job.argv[0]
        os.write(1, f"groundswell: cannot run {where}: {error.strerror}\n".encode())
    os._exit(NOT_THERE)


def end(_: Begun) -> int:
    """Nothing of it is anywhere but below us."""
    return 0


def exit_code(code: int) -> int:
    """As it is."""
    return code
