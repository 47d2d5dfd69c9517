"""Stop work that nobody wants any more: of a cancelled task, of one without a lease, of a wave."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from services.agents.deps import AgentDeps
from shared.contracts.documents.waves import Task
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


async def is_task_wanted(agent_id: str, task: Task, deps: AgentDeps) -> bool:
    """Return whether an agent is still to perform a task here, under its epoch; True if not known.

    It is not once the task has been given back, as its lease was lost.
    """
    if deps.running.get(agent_id) is not task:
        return False
    try:
        stored = await deps.store.tasks.get(task.id)
    except Transient:
        return True
    return stored is None or (stored.state not in OVER and stored.epoch == task.epoch)


async def is_wave_wanted(wave_id: str, deps: AgentDeps) -> bool:
    """Return whether a wave goes on; True if that is not known."""
    try:
        wave = await deps.store.waves.get(wave_id)
    except Transient:
        return True
    return wave is None or not WAVE.terminal(wave.state)
