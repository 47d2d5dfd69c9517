"""Background tasks of one process, by key."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class KeyedTasks:
    """Background tasks, at most one running at a time for each key."""

    def __init__(self) -> None:
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def is_running(self, key: str) -> bool:
        """Return whether the task of `key` was started and has not ended."""
        task = self._tasks.get(key)
        return task is not None and not task.done()

    def start(self, key: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Start `work()` as the task of `key`, unless that is still running."""
        if not self.is_running(key):
            self._tasks[key] = asyncio.create_task(work())

    def cancel(self, key: str) -> None:
        """Cancel and forget the task of `key`, if there is one."""
        task = self._tasks.pop(key, None)
        if task is not None:
            task.cancel()

    def get(self, key: str) -> asyncio.Task[None]:
        """Return the newest task of `key`; raises `KeyError` where there is none."""
        return self._tasks[key]

    def all(self) -> tuple[asyncio.Task[None], ...]:
        """Return the newest task of every key."""
        return tuple(self._tasks.values())
