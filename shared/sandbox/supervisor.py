"""Run one command and kill every process of it at the end, in a process of its own.

The supervisor gets one line of JSON over its socket, the job, and then nothing: the end of that
stream means that the validator is gone or wants the command killed. It sends two lines: its own
process id, and at the end how the command ended, together with descriptors of the tree and the
scratch directory as the command left them.

It is a child subreaper: any process that the command leaves behind, also one that called setsid()
or became a daemon, becomes a child of the supervisor, which can kill it without its cooperation.
"""

import array
import importlib
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from shared.sandbox import processes
from shared.sandbox.job import Job, StartedCommand
from shared.sandbox.watchdog import Watchdog

PR_SET_CHILD_SUBREAPER = 36
POLL_INTERVAL_SECONDS = 0.1
# The first rounds of killing list our children alone, as listing all descendants takes longer.
CHILDREN_ONLY_ROUNDS = 3
# Killing the remaining processes has never taken this long.
KILL_TIMEOUT_SECONDS = 10.0
KILL_INTERVAL_SECONDS = 0.001
CHUNK_BYTES = 1 << 16


def supervise(control: socket.socket, output: int) -> None:
    """Run the job that arrives on `control`, and report there; its command prints to `output`."""
    processes.prctl(PR_SET_CHILD_SUBREAPER, 1)
    wakeup = _wake_on_child()
    job = _read_job(control)
    _send(control, {"pid": os.getpid()})
    tier = importlib.import_module(f"shared.sandbox.tiers.{job.tier}")
    begun_at = time.monotonic()
    started = _start(tier, job, output)
    ended, status = ("refused", 0)
    if started.directories:
        ended, status = _watch(started, job, control, wakeup, begun_at + job.limits.wall)
    if ended == "exited" and (code := tier.command_exit_code(status)) is not None:
        status = code
    elif ended == "exited":
        ended = "refused"
    seconds = time.monotonic() - begun_at
    left = tier.clean_up(started) + _kill_all(started.child)
    cpu = _cpu_seconds() if tier.RUNS_AS_DESCENDANTS and not left else None
    answer = {"ended": ended, "status": status, "seconds": seconds, "left": left, "cpu": cpu}
    _send(control, answer, started.directories)


def _start(tier: ModuleType, job: Job, output: int) -> StartedCommand:
    """Start the job; an error is printed as the command's output."""
    try:
        started: StartedCommand = tier.start(job, output)
    except OSError as error:
        os.write(output, f"groundswell: {error}\n".encode())
        started = StartedCommand(0)
    os.close(output)
    return started


def _read_job(control: socket.socket) -> Job:
    """Read the job; exits if the connection is closed before it is complete."""
    line = b""
    while not line.endswith(b"\n"):
        chunk = control.recv(CHUNK_BYTES)
        if not chunk:
            sys.exit(0)
        line += chunk
    return Job.from_line(line)


def _send(control: socket.socket, answer: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
    """Send one line of JSON, with open descriptors; that nobody receives it is ignored."""
    line = json.dumps(answer).encode() + b"\n"
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
    try:
        control.sendmsg([line], rights if descriptors else [])
    except OSError:
        # The receiver is gone, and the command must still be killed.
        return


def _wake_on_child() -> int:
    """Return a descriptor that becomes readable when a child ends."""
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    return readable


def _watch(
    started: StartedCommand, job: Job, control: socket.socket, wakeup: int, deadline: float
) -> tuple[str, int]:
    """Wait until the command ends, exceeds a limit, or the connection is closed.

    Returns how it ended ("exited", "timed_out", "abandoned" or the name of a limit) and the exit
    code, which is meaningful only after "exited".
    """
    poll = select.poll()
    poll.register(control, select.POLLIN | select.POLLHUP)
    poll.register(wakeup, select.POLLIN)
    watchdog = Watchdog(job.limits, started)
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            return "timed_out", 0
        ready = {fd for fd, _ in poll.poll(min(left, POLL_INTERVAL_SECONDS) * 1000)}
        if wakeup in ready:
            os.read(wakeup, 4096)
            status = processes.reap(started.child)
            if status is not None:
                return "exited", status
        if control.fileno() in ready and not control.recv(CHUNK_BYTES):
            return "abandoned", 0
        if limit := watchdog.exceeded_limit():
            return limit, 0


def _cpu_seconds() -> float:
    """Return the processor seconds of all ended descendants, each reaped by its parent or by us."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _kill_all(child: int) -> int:
    """Kill every descendant until there is none; return how many could not be killed in time."""
    deadline = time.monotonic() + KILL_TIMEOUT_SECONDS
    processes.reap(child)
    rounds = 0
    while processes.has_children():
        rounds += 1
        # A command that ended by itself nearly always leaves one dying child at most.
        quick = processes.children() if rounds <= CHILDREN_ONLY_ROUNDS else []
        descendants = quick or processes.descendants(os.getpid())
        for pid in descendants:
            processes.kill(pid)
        if child and not processes.PROC.exists():
            processes.kill_group(child)
        processes.reap(child)
        if time.monotonic() > deadline:
            return len(descendants)
        time.sleep(KILL_INTERVAL_SECONDS)
    return 0
