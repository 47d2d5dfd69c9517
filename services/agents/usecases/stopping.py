"""Stop work that nobody wants any more: that of a cancelled task, or of a wave that has ended."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from services.agents.deps import AgentDeps
from shared.contracts.states import WAVE, TaskState
from shared.kernel.cancellation import Cancelled, cancellable
from shared.kernel.errors import Transient

log = structlog.get_logger(__name__)

POLL_SECONDS = 1.0
OVER = frozenset({TaskState.CANCELLED, TaskState.DEAD})


async def run_while_wanted(
    work: Coroutine[Any, Any, None], is_wanted: Callable[[], Awaitable[bool]]
) -> bool:
    """Run `work`, and return whether it ended by itself; it is cancelled once it is not wanted.

    Its detectors and engines are then cancelled with it. Raises what `work` raises.
    """
    with cancellable() as cancellation:
        task = asyncio.create_task(work)
        try:
            while not task.done():
                await asyncio.wait({task}, timeout=POLL_SECONDS)
                if not task.done() and not await is_wanted():
                    return False
        finally:
            if not task.done():
                cancellation.cancel()
                task.cancel()
                await asyncio.wait({task})
                log.info("work_stopped", outcome=_outcome(task))
        task.result()
        return True


def _outcome(task: "asyncio.Task[None]") -> str:
    """Return how a cancelled task ended, so that no error of it is left unseen."""
    if task.cancelled():
        return "cancelled"
    error = task.exception()
    return "cancelled" if error is None or isinstance(error, Cancelled) else repr(error)


async def is_task_wanted(task_id: str, epoch: int, deps: AgentDeps) -> bool:
    """Return whether a task is still to be performed under this epoch; True if not known."""
    try:
        task = await deps.store.tasks.get(task_id)
    except Transient:
        return True
    return task is None or (task.state not in OVER and task.epoch == epoch)


async def is_wave_wanted(wave_id: str, deps: AgentDeps) -> bool:
    """Return whether a wave goes on; True if that is not known."""
    try:
        wave = await deps.store.waves.get(wave_id)
    except Transient:
        return True
    return wave is None or not WAVE.terminal(wave.state)
