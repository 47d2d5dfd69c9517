"""Limits over a whole tree of processes, which the kernel does not hold: looked at ten times a second."""

import os
from contextlib import suppress

from shared.sandbox import processes
from shared.sandbox.job import Begun
from shared.sandbox.ports import Limits

# A sandbox's own processes; where the kernel counts too, it says no before we do.
OWN = 8


class Watchdog:
    """Looks at what a command uses."""

    def __init__(self, limits: Limits, begun: Begun) -> None:
        self._limits = limits
        self._begun = begun
        self._before = [_used(place) for place in self._places()]

    def passed(self) -> str:
        """The name of a limit that is passed, or nothing."""
        below = processes.descendants(os.getpid())
        if len(below) > self._limits.processes + OWN:
            return "processes"
        if self._memory(below) > self._limits.memory:
            return "memory"
        return self._storage()

    def _memory(self, below: list[int]) -> int:
        """Exact only where the quick estimate, which counts shared pages many times, is too much."""
        estimate = sum(map(processes.resident, below))
        if estimate <= self._limits.memory:
            return estimate
        return sum(map(processes.proportional, below))

    def _places(self) -> list[int | str]:
        return [*self._begun.places, *self._begun.measured]

    def _storage(self) -> str:
        """Walked through only where its file system as a whole lost that much, since walking is slow."""
        for place, before in zip(self._places(), self._before, strict=True):
            used = _used(place)
            if used[0] - before[0] > self._limits.disk or used[1] - before[1] > self._limits.files:
                size, files = _walk(place)
                if size > self._limits.disk:
                    return "disk"
                if files > self._limits.files:
                    return "files"
        return ""


def _used(place: int | str) -> tuple[int, int]:
    """Bytes and entries in use on the file system of a place."""
    stat = os.statvfs(place)
    return (stat.f_blocks - stat.f_bfree) * stat.f_frsize, stat.f_files - stat.f_ffree


def _walk(place: int | str) -> tuple[int, int]:
    """Bytes and entries below a place; links are not followed, also where one is put there meanwhile."""
    walk = os.fwalk(".", dir_fd=place) if isinstance(place, int) else os.fwalk(place)
    size = files = 0
    for _, names, leaves, folder in walk:
        for name in (*names, *leaves):
            files += 1
            with suppress(OSError):
                size += os.lstat(name, dir_fd=folder).st_blocks * 512
    return size, files
