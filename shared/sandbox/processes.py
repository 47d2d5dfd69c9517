"""Processes: their tree, what they use, and how to start and kill them (Linux's procfs)."""

import ctypes
import os
import resource
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from shared.sandbox.ports import Limits

PROC = Path("/proc")
PAGE_BYTES = resource.getpagesize()
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4


# Looked up once before forking, as the look-up takes a tenth of the time to start a command.
_PRCTL = ctypes.CDLL(None).prctl if sys.platform.startswith("linux") else None


def prctl(option: int, value: int) -> None:
    """Set an option of this process; does nothing on systems other than Linux."""
    if _PRCTL is not None:
        _PRCTL(option, value, 0, 0, 0)


def descendants(root: int) -> list[int]:
    """Return the ids of all processes below `root`, parents first."""
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
    """Return our children without reading all of procfs; empty if the kernel has no such list."""
    return _listed_children("thread-self")


def listed_descendants(root: int) -> list[int]:
    """Return the ids of processes below `root`, in a time that depends on their number alone.

    The kernel's lists of children may lack some that start or end meanwhile; `descendants` does
    not rely on them. Empty if the kernel has no such lists.
    """
    found: list[int] = []
    below = [root]
    while below:
        below = [child for parent in below for child in _children_of(parent)]
        found += below
    return found


def _children_of(pid: int) -> list[int]:
    """Return the children of a process, which each belong to the thread that started them."""
    try:
        threads = os.listdir(PROC / str(pid) / "task")  # noqa: PTH208
    except OSError:
        return []
    return [child for each in threads for child in _listed_children(f"{pid}/task/{each}")]


def _listed_children(thread: str) -> list[int]:
    """Return the kernel's list of a thread's children; empty if it has none or the thread ended."""
    try:
        with open(f"{PROC}/{thread}/children", "rb") as listed:  # noqa: PTH123
            return [int(each) for each in listed.read().split()]
    except OSError:
        return []


def _parents() -> Iterator[tuple[int, int]]:
    """Yield each process id of the system with that of its parent."""
    for entry in os.listdir(PROC) if PROC.exists() else ():  # noqa: PTH208
        if entry.isdigit() and (parent := _parent(entry)):
            yield int(entry), parent


def _parent(pid: str) -> int:
    """Return the id of a process's parent; 0 if the process is gone."""
    try:
        stat = (PROC / pid / "stat").read_bytes()
    except OSError:
        return 0
    # pid (name) state ppid ...: the name may contain anything, also ")".
    return int(stat.rpartition(b")")[2].split()[1])


def resident_bytes(pid: int) -> int:
    """Return the resident bytes of a process, shared pages in full; 0 if it is gone."""
    try:
        return int((PROC / str(pid) / "statm").read_bytes().split()[1]) * PAGE_BYTES
    except (OSError, IndexError):
        return 0


def proportional_bytes(pid: int) -> int:
    """Return the resident bytes of a process with shared pages divided among their owners.

    Slower than `resident_bytes`; 0 if the process is gone.
    """
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def reap(child: int) -> int | None:
    """Reap all ended children, and return the exit code of `child` if it is one of them."""
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
    """Return whether this process has a child, ended or not."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def kill(pid: int) -> None:
    """Send SIGKILL to a process if it exists and is ours."""
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def kill_group(group: int) -> None:
    """Send SIGKILL to a process group if it exists and is ours."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def fork_child() -> int:
    """Fork as `os.fork` does; the child leads a session of its own and is killed when we end."""
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        os.setsid()
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
    return child


def prepare_child(output: int, limits: Mapping[str, int]) -> None:
    """Prepare a forked child for exec: default signals, no input, lower limits.

    Both its outputs go to the descriptor `output`. `limits` are values by the name of the limit in
    the module `resource`.
    """
    signal.set_wakeup_fd(-1)
    for name in ("SIGPIPE", "SIGXFSZ", "SIGCHLD"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    for name, wanted in limits.items():
        _lower(getattr(resource, name), wanted)
    null = os.open(os.devnull, os.O_RDONLY)
    for source, standard in ((null, 0), (output, 1), (output, 2)):
        os.dup2(source, standard)


def _lower(kind: int, wanted: int) -> None:
    """Lower a soft and hard limit to `wanted`, unless it is lower already."""
    hard = resource.getrlimit(kind)[1]
    value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(kind, (value, value))


def kernel_limits(limits: Limits) -> dict[str, int]:
    """Return the limits that the kernel enforces for each process, by their names in `resource`."""
    held = {
        "RLIMIT_CORE": 0,
        "RLIMIT_CPU": int(limits.cpu),
        "RLIMIT_FSIZE": limits.file_size,
        "RLIMIT_NOFILE": limits.open_files,
        # Private writable memory; reserved address space costs nothing and is common.
        "RLIMIT_DATA": limits.memory,
    }
    return {name: value for name, value in held.items() if hasattr(resource, name)}


def drop_root(uid: int) -> None:
    """Become the user `uid` for good: no groups, no capabilities, none that exec could restore."""
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    # Otherwise /proc/self would belong to root, and setting up a sandbox would fail.
    prctl(PR_SET_DUMPABLE, 1)
