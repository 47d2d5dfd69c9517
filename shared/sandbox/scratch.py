"""Private directories that commands work in, and cleaning up after a validator that was killed."""

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
from shared.sandbox.job import MARKER

T = TypeVar("T")

PASSES = 50


class Scratch:
    """Rooms under one work directory. They belong to this process, by a lock that dies with it.

    Names are short, because tests put Unix sockets below, whose paths have at most 107 bytes.
    """

    def __init__(self, work_dir: Path, new_id: NewId) -> None:
        self._work_dir = work_dir
        self._owner = work_dir / new_id()[-8:]
        self._numbers = itertools.count(1)
        self._lock: FileLock | None = None

    @asynccontextmanager
    async def workspace(self) -> AsyncIterator[Path]:
        """A new empty directory, removed at the end whatever is in it."""
        await asyncio.to_thread(self._claim)
        room = self._owner / str(next(self._numbers))
        room.mkdir()
        try:
            yield room
        finally:
            await asyncio.shield(asyncio.to_thread(remove_tree, room))

    def close(self) -> None:
        """Give the directory up; rooms must have been left."""
        if self._lock is not None:
            remove_tree(self._owner)
            self._lock.release()
            _lock_file(self._owner).unlink(missing_ok=True)
            self._lock = None

    def _claim(self) -> None:
        self._work_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(self._work_dir / ".lock"):
            if self._lock is None:
                lock = FileLock(_lock_file(self._owner), thread_local=False)
                lock.acquire(blocking=False)
                self._lock = lock
                self._owner.mkdir()


async def complete_in_thread(action: Callable[..., T], *arguments: object) -> T:
    """`asyncio.to_thread`, but cancelled it still waits for the thread: that must not write into a room that is gone."""
    working = asyncio.create_task(asyncio.to_thread(action, *arguments))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait({working})
        raise


def sweep(work_dir: Path) -> int:
    """Kill what dead validators left running and remove their rooms; how many owners were dead.

    Rooms whose owner lives are left alone, so any number of validators may share a directory.
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
    """Kill every process whose scratch directory is this one or below it, until none is left."""
    for _ in range(PASSES):
        marked = [each for each in psutil.process_iter() if _is_marked(each, below)]
        if not marked:
            return
        for process in marked:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(marked, timeout=0.1)


def remove_tree(path: Path) -> None:
    """Remove a directory whatever the modes of what is in it; links are removed, not followed."""
    for _ in range(3):
        with suppress(OSError):
            shutil.rmtree(path)
        if not path.exists():
            return
        _open_up(path)
        time.sleep(0.01)
    shutil.rmtree(path)


def _open_up(path: Path) -> None:
    """Make every directory below `path` ours to change."""
    path.chmod(stat.S_IRWXU)
    for folder, names, _ in os.walk(path):
        for name in names:
            child = Path(folder) / name
            if not child.is_symlink():
                child.chmod(stat.S_IRWXU)


def _is_marked(process: psutil.Process, below: Path) -> bool:
    try:
        marker = process.environ().get(MARKER)
    except (psutil.Error, OSError):
        return False
    return marker is not None and Path(marker).is_relative_to(below)


def _lock_file(owner: Path) -> Path:
    return owner.with_name(f"{owner.name}.lock")
