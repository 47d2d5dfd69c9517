"""Background tasks of one process, by key."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from shared.kernel.errors import Transient

log = structlog.get_logger(__name__)


class KeyedTasks:
    """Background tasks, at most one running at a time for each key.

    An error ends a task's work, not its caller: it is logged under the tasks' `name`. The
    task then ends only after a delay, `retry_seconds` or that of a `Transient` error, so that
    starting it again and again does not fill the log.

    Each process has its own. Work that one process at a time may do is started within
    `Leadership.lead`, which is `Transient` in all others.
    """

    def __init__(self, name: str, *, retry_seconds: float = 5.0) -> None:
        self._name = name
        self._retry_seconds = retry_seconds
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def is_running(self, key: str) -> bool:
        """Return whether the task of `key` was started and has not ended."""
        task = self._tasks.get(key)
        return task is not None and not task.done()

    def start(self, key: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Start `work()` as the task of `key`, unless that is still running."""
        if not self.is_running(key):
            self._tasks[key] = asyncio.create_task(self._run(key, work))

    async def _run(self, key: str, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do the work; log its error and wait before the task ends."""
        try:
            await work()
        except Transient as error:
            log.info("task_postponed", task=self._name, key=key, reason=str(error))
            await asyncio.sleep(error.delay)
        except Exception:
            log.exception("task_failed", task=self._name, key=key)
            await asyncio.sleep(self._retry_seconds)

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
