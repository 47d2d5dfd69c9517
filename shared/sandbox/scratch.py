"""Private directories for commands, and the removal of those that a killed process left behind."""

import asyncio
import itertools
import os
import shutil
import stat
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

import psutil
from filelock import FileLock, Timeout

from shared.kernel.ids import NewId
from shared.sandbox.job import SCRATCH_VARIABLE

T = TypeVar("T")

MAX_KILL_ROUNDS = 50
MAX_REMOVE_ATTEMPTS = 3
REMOVE_RETRY_SECONDS = 0.01
KILL_WAIT_SECONDS = 0.1


class Scratch:
    """Hands out workspaces below `work_dir`, owned by this process by a lock that dies with it.

    Their names are short, as tests create Unix sockets below, whose paths have at most 107 bytes.
    """

    def __init__(self, work_dir: Path, new_id: NewId) -> None:
        self._work_dir = work_dir
        self._owner = work_dir / new_id()[-8:]
        self._numbers = itertools.count(1)
        self._lock: FileLock | None = None

    @asynccontextmanager
    async def workspace(self) -> AsyncIterator[Path]:
        """Yield a new empty directory, and remove it after the block with all its content."""
        await asyncio.to_thread(self._claim)
        workspace = self._owner / str(next(self._numbers))
        workspace.mkdir()
        try:
            yield workspace
        finally:
            await asyncio.shield(asyncio.to_thread(remove_tree, workspace))

    def close(self) -> None:
        """Remove and give up the directory, if there is one; no workspace may be in use."""
        if self._lock is not None:
            remove_tree(self._owner)
            self._lock.release()
            _lock_file(self._owner).unlink(missing_ok=True)
            self._lock = None

    def _claim(self) -> None:
        """Create and lock this process's directory, unless it has one already."""
        self._work_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(self._work_dir / ".lock"):
            if self._lock is None:
                lock = FileLock(_lock_file(self._owner), thread_local=False)
                lock.acquire(blocking=False)
                self._lock = lock
                self._owner.mkdir()


async def complete_in_thread(action: Callable[..., T], *arguments: object) -> T:
    """Run `action` in a thread as `asyncio.to_thread` does, and wait for it even if cancelled.

    A thread that was left alone would write into a workspace that is removed already.
    """
    working = asyncio.create_task(asyncio.to_thread(action, *arguments))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait({working})
        raise


def remove_abandoned(work_dir: Path) -> int:
    """Kill the processes and remove the workspaces that dead owners left; return how many died.

    Workspaces of living owners are not touched, so several processes can share `work_dir`.
    """
    work_dir.mkdir(parents=True, exist_ok=True)
    dead = 0
    with FileLock(work_dir / ".lock"):
        for owner in [each for each in work_dir.iterdir() if each.is_dir()]:
            lock = FileLock(_lock_file(owner))
            with suppress(Timeout):
                lock.acquire(blocking=False)
                kill_marked(owner)
                remove_tree(owner)
                lock.release()
                _lock_file(owner).unlink(missing_ok=True)
                dead += 1
    return dead


def kill_marked(below: Path) -> None:
    """Kill every process whose scratch directory is `below` or inside it, in up to 50 rounds."""
    for _ in range(MAX_KILL_ROUNDS):
        marked = [each for each in psutil.process_iter() if _is_marked(each, below)]
        if not marked:
            return
        for process in marked:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(marked, timeout=KILL_WAIT_SECONDS)


def remove_tree(path: Path) -> None:
    """Remove a directory, whatever its content's modes, without following links. Raises OSError."""
    for _ in range(MAX_REMOVE_ATTEMPTS):
        with suppress(OSError):
            shutil.rmtree(path)
        if not path.exists():
            return
        _make_accessible(path)
        time.sleep(REMOVE_RETRY_SECONDS)
    shutil.rmtree(path)


def _make_accessible(path: Path) -> None:
    """Give the owner all rights on `path` and every directory below it."""
    path.chmod(stat.S_IRWXU)
    for folder, names, _ in os.walk(path):
        for name in names:
            child = Path(folder) / name
            if not child.is_symlink():
                child.chmod(stat.S_IRWXU)


def _is_marked(process: psutil.Process, below: Path) -> bool:
    """Return whether a process's scratch directory is `below`, or inside it."""
    try:
        marker = process.environ().get(SCRATCH_VARIABLE)
    except (psutil.Error, OSError):
        return False
    return marker is not None and Path(marker).is_relative_to(below)


def _lock_file(owner: Path) -> Path:
    """Return the path of the lock file of an owner, beside its directory."""
    return owner.with_name(f"{owner.name}.lock")
