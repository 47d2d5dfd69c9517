"""How much memory a process may still take on this machine, within its container's limit."""

from pathlib import Path

import psutil

CGROUP = Path("/sys/fs/cgroup")


def free_memory(cgroup: Path = CGROUP) -> int:
    """Return the bytes of memory that are available on the machine and in the control group."""
    free = int(psutil.virtual_memory().available)
    limit, used = (_bytes_in(cgroup / name) for name in ("memory.max", "memory.current"))
    return free if limit is None or used is None else min(free, max(limit - used, 0))


def _bytes_in(file: Path) -> int | None:
    """Return the number that a file of a control group holds; None where there is no limit."""
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None
