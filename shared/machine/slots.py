"""Slots as lock files, one for each core, that a user's processes on one machine share.

A run, of tests or of an agent, holds the locks of as many cores as it needs, and the kernel
releases them if its process dies. They are only counted: no process is bound to a core, as the
kernel places them better.
"""

import asyncio
import os
import socket
import stat
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from shared.kernel.errors import Rejected

RETRY_SECONDS = 0.05
# For how long the number of runs on the machine is remembered.
RUN_COUNT_TTL_SECONDS = 0.25
# For how long it is remembered whether a core is free: many consumers ask.
FREE_CORE_TTL_SECONDS = 0.1
CPU_QUOTA_FILE = Path("/sys/fs/cgroup/cpu.max")
# The lock of the run that is collecting cores.
TURN = "turn"


class MachineSlots:
    """Gives out the cores of this machine.

    All processes with the same `folder` share the `cores`, which are named by their numbers. This
    one takes at most `core_limit` of them; 0 is no limit.
    """

    def __init__(self, folder: Path, cores: Sequence[int], core_limit: int = 0) -> None:
        self._folder = folder
        self._cores = tuple(cores)
        self._queue = asyncio.Lock()
        self._released = asyncio.Event()
        self._held_here = 0
        self._run_count = (0.0, 0)
        self._free_core = (0.0, False)
        self.core_limit = min(core_limit, len(cores)) if core_limit else len(cores)
        self.name = f"{socket.gethostname()}:{folder}"

    @property
    def cores(self) -> int:
        """The number of cores that all processes share."""
        return len(self._cores)

    def free(self) -> int:
        """Return the number of cores that no run holds."""
        return sum(not self._is_locked(f"core-{each}") for each in self._cores)

    def has_room(self) -> bool:
        """Return whether one more run of this process might start at once.

        What other processes hold is looked up now and then.
        """
        if self._held_here >= self.core_limit or self._queue.locked():
            return False
        looked_at, free = self._free_core
        if time.monotonic() - looked_at > FREE_CORE_TTL_SECONDS:
            free = not self._is_locked(TURN) and any(
                not self._is_locked(f"core-{each}") for each in self._cores
            )
            self._free_core = (time.monotonic(), free)
        return free

    def runs(self) -> int:
        """Return the number of runs that hold cores, of all processes; counted now and then."""
        counted_at, count = self._run_count
        if time.monotonic() - counted_at > RUN_COUNT_TTL_SECONDS:
            count = sum(self._is_locked(f"run-{each}") for each in self._cores)
            self._run_count = (time.monotonic(), count)
        return count

    @asynccontextmanager
    async def acquire(self, wanted: int) -> AsyncIterator[None]:
        """Wait for `wanted` cores, or all if there are fewer, and hold them inside the block."""
        wanted = min(wanted, self.cores)
        with ExitStack() as held:
            # A run that waits keeps the cores it has got, and no other begins to collect any. So it
            # gets the rest, and no two runs wait for each other.
            async with self._queue:
                if wanted <= self.core_limit < self.cores:
                    # Wait for our own limit first, without holding up other processes.
                    await self._wait_for_limit(wanted)
                with ExitStack() as turn:
                    await self._lock(TURN, turn)
                    await self._wait_for_limit(wanted)
                    await self._collect(wanted, held)
                self._held_here += wanted
                self._free_core = (0.0, False)
                held.callback(self._release, wanted)
            yield

    async def _wait_for_limit(self, wanted: int) -> None:
        """Wait until this process holds so few cores that `wanted` more fit its limit, or none."""
        while self._held_here and self._held_here + wanted > self.core_limit:
            self._released.clear()
            await self._released.wait()

    async def _collect(self, wanted: int, held: ExitStack) -> None:
        """Lock so many cores, and mark the first of them as the place of a run."""
        found: list[int] = []
        while True:
            for each in self._cores:
                if (
                    len(found) < wanted
                    and each not in found
                    and self._try_lock(f"core-{each}", held)
                ):
                    found.append(each)
            if len(found) == wanted:
                break
            await asyncio.sleep(RETRY_SECONDS)
        await self._lock(f"run-{found[0]}", held)

    async def _lock(self, name: str, held: ExitStack) -> None:
        """Wait for a lock, which is then held until `held` is closed."""
        while True:
            if self._try_lock(name, held):
                return
            await asyncio.sleep(RETRY_SECONDS)

    def _try_lock(self, name: str, held: ExitStack) -> bool:
        """Take a lock until `held` is closed; return False if another process or run has it."""
        lock = FileLock(self._folder / name)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return False
        held.callback(lock.release)
        return True

    def _is_locked(self, name: str) -> bool:
        """Return whether a lock is held, by taking it for a moment; so lockers have to retry."""
        with ExitStack() as probe:
            return not self._try_lock(name, probe)

    def _release(self, cores: int) -> None:
        """Count so many cores as no longer held by this process, and wake what waits for them."""
        self._held_here -= cores
        self._free_core = (0.0, False)
        self._released.set()


def machine_cores() -> tuple[int, ...]:
    """Return the numbers of the cores that this process may use, within its container's quota."""
    if hasattr(os, "sched_getaffinity"):
        allowed = sorted(os.sched_getaffinity(0))
    else:
        allowed = list(range(os.cpu_count() or 1))
    return tuple(allowed[: cpu_quota(CPU_QUOTA_FILE) or len(allowed)])


def cpu_quota(file: Path) -> int:
    """Return how many cores a control group has, rounded up; 0 where nothing limits it."""
    try:
        most, period = file.read_text().split()
        return -(-int(most) // int(period))
    except (OSError, ValueError):
        return 0


def slots_folder(home: Path, chosen: Path | None = None) -> Path:
    """Return the private directory of this user for slots: the chosen one, or that of all homes.

    It is in the user's cache: another user could make one of that name in a directory for temporary
    files, and a session's directory ends with the session. A user without a directory to write to
    has the slots in `home`. Raises `Rejected` if other users may use it.
    """
    if chosen is not None:
        return ensure_private(chosen)
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
        return ensure_private(cache / "groundswell" / f"slots-{socket.gethostname()}")
    except (RuntimeError, OSError):
        return ensure_private(home / "slots")


def ensure_private(folder: Path) -> Path:
    """Return the folder, created if it is missing; raises `Rejected` if other users may use it."""
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700, parents=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise Rejected(
            f"{folder} is not a directory that only this user can use.",
            hint="Remove it, or set GROUNDSWELL_SLOTS to another directory.",
            code="slots_not_private",
        )
    return folder
