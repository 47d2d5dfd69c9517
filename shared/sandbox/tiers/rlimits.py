"""Tier D, resource limits: a session of its own and a scrubbed environment. It isolates little."""

import os

from shared.sandbox import processes
from shared.sandbox.job import Job, StartedCommand, open_directories

EXIT_NOT_FOUND = 127
RUNS_AS_DESCENDANTS = True


def preload() -> None:
    """Do nothing: all that it needs is loaded."""


def start(job: Job, output: int) -> StartedCommand:
    """Start the job with our own rights."""
    opened = open_directories(job)
    child = processes.fork_child()
    if child == 0:
        processes.prepare_child(output, processes.kernel_limits(job.limits))
        execute(job)
    return StartedCommand(child, opened)


def execute(job: Job) -> None:
    """Replace this process by the command; an error is printed as its output."""
    try:
        os.chdir(job.tree)
        os.execvpe(job.argv[0], job.argv, job.env)  # noqa: S606
    except OSError as error:
        where = error.filename or job.argv[0]
        os.write(1, f"groundswell: cannot run {where}: {error.strerror}\n".encode())
    os._exit(EXIT_NOT_FOUND)


def clean_up(_: StartedCommand) -> int:
    """Return 0, as all processes of the command are descendants, which the supervisor kills."""
    return 0


def command_exit_code(code: int) -> int:
    """Return the exit code as it is."""
    return code
