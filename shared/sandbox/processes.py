"""Processes as the kernel shows them: who is below whom, what they use, and their end."""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from shared.sandbox.ports import Limits

PROC = Path("/proc")
PAGE = resource.getpagesize()
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4


# Looked up once, by whoever forks: to find it takes a tenth of starting a command.
_PRCTL = ctypes.CDLL(None).prctl if sys.platform.startswith("linux") else None


def prctl(option: int, value: int) -> None:
    """Set an option of this process; nothing at all where the system is not Linux."""
    if _PRCTL is not None:
        _PRCTL(option, value, 0, 0, 0)


def descendants(root: int) -> list[int]:
    """All processes below `root`, parents first."""
    children: dict[int, list[int]] = {}
    for pid, parent in _parents():
        children.setdefault(parent, []).append(pid)
    found: list[int] = []
    below = [root]
    while below:
        below = [pid for parent in below for pid in children.get(parent, ())]
        found += below
    return found


def children() -> list[int]:
    """Our own, without a look at all processes there are; nothing where the kernel does not say."""
    try:
        return [int(each) for each in (PROC / "thread-self" / "children").read_text().split()]
    except OSError:
        return []


def _parents() -> Iterator[tuple[int, int]]:
    for entry in os.listdir(PROC) if PROC.exists() else ():  # noqa: PTH208
        if entry.isdigit() and (parent := _parent(entry)):
            yield int(entry), parent


def _parent(pid: str) -> int:
    try:
        stat = (PROC / pid / "stat").read_bytes()
    except OSError:
        return 0
    # pid (name) state ppid ...: the name may hold anything, also ")".
    return int(stat.rpartition(b")")[2].split()[1])


def resident(pid: int) -> int:
    """Bytes of memory it has resident, what it shares with others counted in full; 0 if it is gone."""
    try:
        return int((PROC / str(pid) / "statm").read_bytes().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0


def proportional(pid: int) -> int:
    """Bytes resident, what is shared divided among its owners. Slower; 0 if it is gone."""
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def reap(child: int) -> int | None:
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


def has_children() -> bool:
    """Whether there is a child, be it dead."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def kill(pid: int) -> None:
    """SIGKILL, where it is there and ours."""
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def kill_group(group: int) -> None:
    """SIGKILL to a whole group, where it is there and ours."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def fork_child() -> int:
    """Fork; the child leads a session of its own and dies with us. As os.fork()."""
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        os.setsid()
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
    return child


def settle(output: int, limits: Mapping[str, int]) -> None:
    """In a forked child: default signals, no input, both outputs to `output`, limits lowered."""
    signal.set_wakeup_fd(-1)
    for name in ("SIGPIPE", "SIGXFSZ", "SIGCHLD"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    for name, wanted in limits.items():
        _lower(getattr(resource, name), wanted)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, standard in ((null, 0), (output, 1), (output, 2)):
        os.dup2(source, standard)


def _lower(kind: int, wanted: int) -> None:
    """Lower a limit for good; a limit that is lower already stays."""
    hard = resource.getrlimit(kind)[1]
    value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(kind, (value, value))


def kernel_limits(limits: Limits) -> dict[str, int]:
    """The limits that every process has from the kernel."""
    held = {
        "RLIMIT_CORE": 0,
        "RLIMIT_CPU": int(limits.cpu),
        "RLIMIT_FSIZE": limits.file_size,
        "RLIMIT_NOFILE": limits.open_files,
        # Of private memory that may be written: reserving address space is free, and usual.
        "RLIMIT_DATA": limits.memory,
    }
    return {name: value for name, value in held.items() if hasattr(resource, name)}


def drop_root(uid: int) -> None:
    """For good: no groups, no capabilities, nothing that exec could bring back."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    # Otherwise /proc/self would belong to root, and with it much of what a sandbox sets up.
    prctl(PR_SET_DUMPABLE, 1)
