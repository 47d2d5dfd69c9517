"""Runs one command and lets nothing of it live on. A program of its own: `python -I -S` runs it.

It must never die with the validator still thinking that it lives, nor outlive it, so it is tiny and
needs the standard library only. On standard input comes one line of JSON, the specification, and
then nothing: the end of that stream means that the validator is gone, or wants the command dead.
Standard output belongs to the command. On standard error goes one line of JSON: how it ended.

It is a child subreaper: whatever the command leaves behind becomes a child of this process, also
what called setsid() or daemonised, and so can be found and killed without any cooperation.
"""

import json
import os
import resource
import select
import signal
import sys
import time
from pathlib import Path
from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
GIVE_UP = 10.0
PROC = Path("/proc")
DEFAULTS = ("SIGPIPE", "SIGXFSZ")


def main() -> None:
    """Run what standard input says; the exit code is always 0, the answer is the line."""
    spec = _read_specification()
    prctl = _prctl()
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    wakeup = _wake_on_child()
    started = time.monotonic()
    child = _spawn(spec, prctl)
    ended, status = _watch(child, wakeup, started + spec["wall"])
    seconds = time.monotonic() - started
    left = _kill_all(child)
    answer = {"ended": ended, "status": status, "seconds": seconds, "left": left}
    os.write(2, json.dumps(answer).encode() + b"\n")


def _read_specification() -> dict[str, Any]:
    line = b""
    while not line.endswith(b"\n"):
        chunk = os.read(0, 65536)
        if not chunk:
            sys.exit(0)
        line += chunk
    return json.loads(line)  # type: ignore[no-any-return]


def _prctl() -> Any:
    """prctl(2), or nothing at all where the system is not Linux."""
    if not sys.platform.startswith("linux"):
        return lambda *_: 0
    import ctypes  # noqa: PLC0415  (it costs 5 ms, and only Linux has a use for it)

    return ctypes.CDLL(None, use_errno=True).prctl


def _wake_on_child() -> int:
    """A descriptor that becomes readable when a child ends."""
    readable, writable = os.pipe()
    os.set_blocking(writable, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    return readable


def _spawn(spec: dict[str, Any], prctl: Any) -> int:
    supervisor = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        os.setsid()
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != supervisor:
            os._exit(1)
        _become(spec)
    except OSError as error:
        where = error.filename or spec["argv"][0]
        os.write(1, f"groundswell: cannot run {where}: {error.strerror}\n".encode())
    os._exit(127)


def _become(spec: dict[str, Any]) -> None:
    signal.set_wakeup_fd(-1)
    for name in (*DEFAULTS, "SIGCHLD"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    for name, wanted in spec["limits"].items():
        _limit(getattr(resource, name), wanted)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(1, 2)
    os.chdir(spec["cwd"])
    os.execvpe(spec["argv"][0], spec["argv"], spec["env"])  # noqa: S606


def _limit(kind: int, wanted: int) -> None:
    """Lower a limit for good; a limit that is lower already stays."""
    hard = resource.getrlimit(kind)[1]
    value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(kind, (value, value))


def _watch(child: int, wakeup: int, deadline: float) -> tuple[str, int]:
    """Wait for the child's end, the time limit, or the end of standard input."""
    poll = select.poll()
    poll.register(0, select.POLLIN | select.POLLHUP)
    poll.register(wakeup, select.POLLIN)
    while True:
        left = deadline - time.monotonic()
        if left <= 0:
            return "timed_out", 0
        ready = {fd for fd, _ in poll.poll(min(left, 3600.0) * 1000)}
        if wakeup in ready:
            os.read(wakeup, 4096)
            status = _reap(child)
            if status is not None:
                return "exited", status
        if 0 in ready and not os.read(0, 65536):
            return "abandoned", 0


def _reap(child: int) -> int | None:
    """Bury whatever has died; the exit code of `child` when it is among the dead."""
    found = None
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return found
        if pid == 0:
            return found
        if pid == child:
            found = os.waitstatus_to_exitcode(status)


def _kill_all(child: int) -> int:
    """Kill every descendant until there is none; how many could not be killed in time."""
    deadline = time.monotonic() + GIVE_UP
    while True:
        descendants = _descendants(os.getpid())
        for pid in descendants:
            _kill(pid)
        if not PROC.exists():
            _kill_group(child)
        _reap(child)
        if not _has_children():
            return 0
        if time.monotonic() > deadline:
            return len(descendants)
        time.sleep(0.001)


def _has_children() -> bool:
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _descendants(root: int) -> list[int]:
    """All processes below `root`, parents first."""
    children: dict[int, list[int]] = {}
    for entry in os.listdir(PROC) if PROC.exists() else ():  # noqa: PTH208
        if entry.isdigit() and (parent := _parent(int(entry))):
            children.setdefault(parent, []).append(int(entry))
    found: list[int] = []
    below = [root]
    while below:
        below = [pid for parent in below for pid in children.get(parent, ())]
        found += below
    return found


def _parent(pid: int) -> int:
    try:
        stat = (PROC / str(pid) / "stat").read_bytes()
    except OSError:
        return 0
    # pid (name) state ppid ...: the name may hold anything, also ")".
    return int(stat.rpartition(b")")[2].split()[1])


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


if __name__ == "__main__":
    main()
