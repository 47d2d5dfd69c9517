"""Enforcement of limits on a whole tree of processes, which the kernel limits one by one only."""

import os
import time
from collections.abc import Callable
from contextlib import suppress

from shared.sandbox import processes
from shared.sandbox.job import StartedCommand
from shared.sandbox.ports import Limits

# Processes of the sandbox itself; where the kernel counts too, its limit applies first.
SANDBOX_PROCESSES = 8
# All processes of the machine are read that often, and in between only the kernel's lists of
# children, which cost a fraction where hundreds of processes run.
FULL_LISTING_INTERVAL_SECONDS = 1.0
# Directories are walked again after a multiple of the time that the last walk took: a small one if
# their file system lost more space than the limit, else a large one, and the minimum at least.
SUSPICIOUS_WALK_PAUSE_FACTOR = 2
WALK_PAUSE_FACTOR = 20
MIN_WALK_INTERVAL_SECONDS = 1.0
# The unit of st_blocks, whatever the file system's own.
BLOCK_BYTES = 512


class Watchdog:
    """Checks what the processes below this one, a supervisor, use together."""

    def __init__(
        self, limits: Limits, started: StartedCommand, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits = limits
        self._started = started
        self._clock = clock
        self._walked_at, self._walk_seconds = clock(), 0.0
        self._listed_at = self._walked_at - FULL_LISTING_INTERVAL_SECONDS
        self._before = [_used(directory) for directory in self._directories()]

    def exceeded_limit(self) -> str:
        """Return the name of a limit of `Limits` that is exceeded now; empty if none is."""
        now = self._clock()
        below = self._descendants(now)
        if len(below) > self._limits.processes + SANDBOX_PROCESSES:
            return "processes"
        if self._memory(below) > self._limits.memory:
            return "memory"
        return self._storage(now)

    def _descendants(self, now: float) -> list[int]:
        """Return the ids of all processes below this one; now and then without the kernel's help.

        Its lists may lack processes that start or end while they are read, or not be there at all.
        """
        listed = processes.listed_descendants(os.getpid())
        if listed and now - self._listed_at < FULL_LISTING_INTERVAL_SECONDS:
            return listed
        self._listed_at = now
        return processes.descendants(os.getpid())

    def _memory(self, below: list[int]) -> int:
        """Return the bytes used, exact only if the fast estimate exceeds the limit.

        The estimate counts shared pages once per process.
        """
        estimate = sum(map(processes.resident_bytes, below))
        if estimate <= self._limits.memory:
            return estimate
        return sum(map(processes.proportional_bytes, below))

    def _directories(self) -> list[int | str]:
        """Return the directories that have disk limits, as descriptors or paths."""
        return [*self._started.directories, *self._started.written]

    def _storage(self, began: float) -> str:
        """Return `disk` or `files` if that limit is found exceeded, else an empty text.

        Walking the directories is slow, so it is done soon only if their file system as a whole
        lost that much. It is done now and then all the same, because files that others delete there
        hide what the command writes.
        """
        pause = max(MIN_WALK_INTERVAL_SECONDS, WALK_PAUSE_FACTOR * self._walk_seconds)
        if any(map(self._lost, self._directories(), self._before)):
            pause = SUSPICIOUS_WALK_PAUSE_FACTOR * self._walk_seconds
        if began - self._walked_at < pause:
            return ""
        walked = [_walk(directory) for directory in self._directories()]
        self._walked_at = self._clock()
        self._walk_seconds = self._walked_at - began
        if any(size > self._limits.disk for size, _ in walked):
            return "disk"
        return "files" if any(files > self._limits.files for _, files in walked) else ""

    def _lost(self, directory: int | str, before: tuple[int, int]) -> bool:
        """Return whether the directory's file system lost more than the limits since `before`."""
        used = _used(directory)
        return used[0] - before[0] > self._limits.disk or used[1] - before[1] > self._limits.files


def _used(directory: int | str) -> tuple[int, int]:
    """Return the bytes and entries in use on the file system of a directory."""
    stat = os.statvfs(directory)
    return (stat.f_blocks - stat.f_bfree) * stat.f_frsize, stat.f_files - stat.f_ffree


def _walk(directory: int | str) -> tuple[int, int]:
    """Return the bytes and entries below a directory.

    Links are never followed, not even one that replaces a directory during the walk.
    """
    walk = os.fwalk(".", dir_fd=directory) if isinstance(directory, int) else os.fwalk(directory)
    size = files = 0
    for _, names, leaves, folder in walk:
        for name in (*names, *leaves):
            files += 1
            with suppress(OSError):
                size += os.lstat(name, dir_fd=folder).st_blocks * BLOCK_BYTES
    return size, files
