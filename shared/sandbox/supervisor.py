"""Runs one command and lets nothing of it live on: a process of its own, made by the fork server.

Over its socket comes one line of JSON, the job, and then nothing: the end of that stream means that
the validator is gone, or wants the command dead. Back go two lines: its own process id, and at the end how
it ended, together with descriptors of the tree and the scratch directory as the command left them.

It is a child subreaper: whatever the command leaves behind becomes a child of this process, also
what called setsid() or daemonised, and so can be found and killed without any cooperation.
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
from typing import Any

from shared.sandbox import processes
from shared.sandbox.job import Begun, Job
from shared.sandbox.watchdog import Watchdog

PR_SET_CHILD_SUBREAPER = 36
TICK = 0.1
# So many looks at our own children come before those at everything below us, which take longer.
QUICK = 3
# Longer than killing what is left ever took.
GIVE_UP = 10.0


def supervise(control: socket.socket, output: int) -> None:
    """One command from its beginning to its end."""
    processes.prctl(PR_SET_CHILD_SUBREAPER, 1)
    wakeup = _wake_on_child()
    job = _read_job(control)
    _say(control, {"pid": os.getpid()})
    tier = importlib.import_module(f"shared.sandbox.tiers.{job.tier}")
    started = time.monotonic()
    try:
        begun: Begun = tier.begin(job, output)
    except OSError as error:
        os.write(output, f"groundswell: {error}\n".encode())
        begun = Begun(0)
    os.close(output)
    ended, status = ("refused", 0)
    if begun.places:
        ended, status = _watch(begun, job, control, wakeup, started + job.limits.wall)
    if ended == "exited" and (code := tier.exit_code(status)) is not None:
        status = code
    elif ended == "exited":
        ended = "refused"
    seconds = time.monotonic() - started
    left = tier.end(begun) + _kill_all(begun.child)
    cpu = _used() if tier.BELOW_US and not left else None
    answer = {"ended": ended, "status": status, "seconds": seconds, "left": left, "cpu": cpu}
    _say(control, answer, begun.places)


def _read_job(control: socket.socket) -> Job:
    line = b""
    while not line.endswith(b"\n"):
        chunk = control.recv(65536)
        if not chunk:
            sys.exit(0)
        line += chunk
    return Job.from_line(line)


def _say(control: socket.socket, answer: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
    line = json.dumps(answer).encode() + b"\n"
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
    try:
        control.sendmsg([line], rights if descriptors else [])
    except OSError:
        # Whoever asked is gone; the command is not.
        return


def _wake_on_child() -> int:
    """A descriptor that becomes readable when a child ends."""
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    return readable


def _watch(
    begun: Begun, job: Job, control: socket.socket, wakeup: int, deadline: float
) -> tuple[str, int]:
    """Wait for the command's end, a limit that is passed, or the end of the conversation."""
    poll = select.poll()
    poll.register(control, select.POLLIN | select.POLLHUP)
    poll.register(wakeup, select.POLLIN)
    watchdog = Watchdog(job.limits, begun)
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            return "timed_out", 0
        ready = {fd for fd, _ in poll.poll(min(left, TICK) * 1000)}
        if wakeup in ready:
            os.read(wakeup, 4096)
            status = processes.reap(begun.child)
            if status is not None:
                return "exited", status
        if control.fileno() in ready and not control.recv(65536):
            return "abandoned", 0
        if passed := watchdog.passed():
            return passed, 0


def _used() -> float:
    """Seconds of processors that all who died below us used; each was buried by its parent, or by us."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _kill_all(child: int) -> int:
    """Kill every descendant until there is none; how many could not be killed in time."""
    deadline = time.monotonic() + GIVE_UP
    processes.reap(child)
    quick = QUICK
    while processes.has_children():
        quick -= 1
        # What is left of a command that ended by itself is nearly always one that is just dying.
        descendants = (quick >= 0 and processes.children()) or processes.descendants(os.getpid())
        for pid in descendants:
            processes.kill(pid)
        if child and not processes.PROC.exists():
            processes.kill_group(child)
        processes.reap(child)
        if time.monotonic() > deadline:
            return len(descendants)
        time.sleep(0.001)
    return 0
