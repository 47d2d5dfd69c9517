"""What tells that a test started a process or a thread, whose functions no tracer here can see."""

from __future__ import annotations

import os
import sys

try:
    import resource
except ImportError:  # not on Windows
    resource = None  # type: ignore[assignment]

# Audit events of Python that start a process.
PROCESS_STARTS = {
    *("subprocess.Popen", "os.system", "os.exec", "os.fork", "os.forkpty"),
    *("os.posix_spawn", "os.spawn", "pty.spawn"),
}


def thread_ids() -> set[int]:
    """Return the ids of all threads that run Python code."""
    return set(sys._current_frames())  # noqa: SLF001


def ended_children_counter() -> int:
    """Return a number that grows with each child that ended and was waited for; 0 on Windows."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt if resource else 0


def living_children() -> set[str] | None:
    """Return the ids of child processes not yet waited for; None where the system does not say."""
    found: set[str] = set()
    try:
        for thread in os.listdir("/proc/self/task"):  # noqa: PTH208
            with open(f"/proc/self/task/{thread}/children") as file:  # noqa: PTH123
                found.update(file.read().split())
    except OSError:
        return None
    return found
