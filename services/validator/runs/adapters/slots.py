"""The cores of this machine, given out to runs: lock files that all validators of a user share.

A run holds a lock for each core that it takes, and the kernel frees them when its process dies, however
it dies. They stand for cores and bind to none: the kernel places processes better than we do.
"""

import asyncio
import os
import socket
import stat
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from shared.kernel.errors import Rejected

PAUSE = 0.05
# How many runs there are is found out anew after this many seconds.
LOOK = 0.25
QUOTA = Path("/sys/fs/cgroup/cpu.max")
TURN = "turn"


class MachineSlots:
    """The `Slots` port. All that share a `folder` share its cores; `share` of them is for this process, 0 all."""

    def __init__(self, folder: Path, cores: Sequence[int], share: int = 0) -> None:
        self._folder = folder
        self._cores = tuple(cores)
        self._queue = asyncio.Lock()
        self._given_back = asyncio.Event()
        self._mine = 0
        self._seen = (0.0, 0)
        self.share = min(share, len(cores)) if share else len(cores)
        self.name = f"{socket.gethostname()}:{folder}"

    @property
    def cores(self) -> int:
        return len(self._cores)

    def free(self) -> int:
        return sum(not self._held(f"core-{each}") for each in self._cores)

    def has_room(self) -> bool:
        if self._mine >= self.share or self._queue.locked() or self._held(TURN):
            return False
        return any(not self._held(f"core-{each}") for each in self._cores)

    def runs(self) -> int:
        moment, seen = self._seen
        if time.monotonic() - moment > LOOK:
            seen = sum(self._held(f"run-{each}") for each in self._cores)
            self._seen = (time.monotonic(), seen)
        return seen

    @asynccontextmanager
    async def taken(self, wanted: int) -> AsyncIterator[None]:
        wanted = min(wanted, self.cores)
        with ExitStack() as held:
            # Who waits for cores keeps those it has got, and nobody else begins to take any: so it
            # gets the rest, and no two wait for each other.
            async with self._queue:
                if wanted <= self.share < self.cores:
                    # That others have to wait for our share is nothing that they could see.
                    await self._within_share(wanted)
                with ExitStack() as turn:
                    await self._lock(TURN, turn)
                    await self._within_share(wanted)
                    await self._collect(wanted, held)
                self._mine += wanted
                held.callback(self._give_back, wanted)
            yield

    async def _within_share(self, wanted: int) -> None:
        while self._mine and self._mine + wanted > self.share:
            self._given_back.clear()
            await self._given_back.wait()

    async def _collect(self, wanted: int, held: ExitStack) -> None:
        """So many cores, and the sign that there is a run on the first of them."""
        found: list[int] = []
        while True:
            for each in self._cores:
                if len(found) < wanted and each not in found and self._try(f"core-{each}", held):
                    found.append(each)
            if len(found) == wanted:
                break
            await asyncio.sleep(PAUSE)
        await self._lock(f"run-{found[0]}", held)

    async def _lock(self, name: str, held: ExitStack) -> None:
        while True:
            if self._try(name, held):
                return
            await asyncio.sleep(PAUSE)

    def _try(self, name: str, held: ExitStack) -> bool:
        lock = FileLock(self._folder / name)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        held.callback(lock.release)
        return True

    def _held(self, name: str) -> bool:
        """Whether somebody has it; while we look it is ours, so who wants it asks more than once."""
        with ExitStack() as looking:
            return not self._try(name, looking)

    def _give_back(self, cores: int) -> None:
        self._mine -= cores
        self._given_back.set()


def machine_cores() -> tuple[int, ...]:
    """The cores that this process may use, by their numbers; no more than its container's quota."""
    if hasattr(os, "sched_getaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
    else:
        allowed = list(range(os.cpu_count() or 1))
    return tuple(allowed[: quota(QUOTA) or len(allowed)])


def quota(file: Path) -> int:
    """The whole cores that a control group has, rounded up; 0 where nothing limits it."""
    try:
        most, period = file.read_text().split()
        return -(-int(most) // int(period))
    except (OSError, ValueError):
        return 0


def slots_folder() -> Path:
    """The directory of this user on this machine, whatever the home; nobody else may do anything in it."""
    # Not below the home, of which a machine has several, nor in a session's directory, which ends with it.
    folder = Path(tempfile.gettempdir()) / f"groundswell-{os.geteuid()}"
    return private(folder)


def private(folder: Path) -> Path:
    """The folder, made where it is missing. Raises `Rejected` where it is not ours alone."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700, parents=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise Rejected(
            f"{folder} is not a directory of this user alone.",
            hint="Remove it, or name another one in GROUNDSWELL_SLOTS.",
            code="slots_not_private",
        )
    return folder
