"""Limits over a whole tree of processes, which the kernel does not hold: looked at ten times a second."""

import os
import time
from collections.abc import Callable
from contextlib import suppress

from shared.sandbox import processes
from shared.sandbox.job import Begun
from shared.sandbox.ports import Limits

# A sandbox's own processes; where the kernel counts too, it says no before we do.
OWN = 8
# How long after walking through the places they are walked through again, in times of what it took:
# where their file system lost much, and where it did not, at least EVERY seconds later.
SUSPICIOUS, QUIET, EVERY = 2, 20, 1.0


class Watchdog:
    """EvidenceFetcher at what a command uses."""

    def __init__(
        self, limits: Limits, begun: Begun, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limits = limits
        self._begun = begun
        self._clock = clock
        self._walked, self._took = clock(), 0.0
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
        """Walked through at once where its file system as a whole lost that much, since walking is slow.

        Else only now and then: what others delete there hides what the command writes.
        """
        lost = any(map(self._lost, self._places(), self._before))
        pause = SUSPICIOUS * self._took if lost else max(EVERY, QUIET * self._took)
        began = self._clock()
        if began - self._walked < pause:
            return ""
        walked = [_walk(place) for place in self._places()]
        self._walked = self._clock()
        self._took = self._walked - began
        if any(size > self._limits.disk for size, _ in walked):
            return "disk"
        return "files" if any(files > self._limits.files for _, files in walked) else ""

    def _lost(self, place: int | str, before: tuple[int, int]) -> bool:
        used = _used(place)
        return used[0] - before[0] > self._limits.disk or used[1] - before[1] > self._limits.files


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
