"""Slots for agents at work: one core each, and enough memory."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from shared.machine.slots import MachineSlots

log = structlog.get_logger(__name__)

# What the analysis of a large component takes at most, with its tools.
MEMORY_PER_AGENT_BYTES = 512 << 20
RETRY_SECONDS = 0.25


class MachineAgentSlots:
    """Implements the `AgentSlots` port over slots that all agent processes of a user share.

    The first agent of a process needs no free memory: on a small machine it works all the same.
    """

    def __init__(self, machine: MachineSlots, free_memory: Callable[[], int]) -> None:
        self._machine = machine
        self._free_memory = free_memory
        self._waiting = 0
        self._at_work = 0

    @property
    def count(self) -> int:
        """The most agents that this process runs at once."""
        return self._machine.core_limit

    def has_room(self) -> bool:
        """Return whether one more agent of this process could begin at once, and none waits."""
        return not self._waiting and self._machine.has_room() and self._memory_suffices()

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[None]:
        """Wait for a core and for memory, and hold a slot inside the block."""
        async with AsyncExitStack() as held:
            self._waiting += 1
            try:
                await self._wait_for_memory()
                await held.enter_async_context(self._machine.acquire(1))
            finally:
                self._waiting -= 1
            self._at_work += 1
            held.callback(self._release)
            yield

    async def _wait_for_memory(self) -> None:
        """Wait until there is memory for one more agent."""
        if not self._memory_suffices():
            log.info("agent_waits_for_memory", free=self._free_memory())
        while True:
            if self._memory_suffices():
                return
            await asyncio.sleep(RETRY_SECONDS)

    def _release(self) -> None:
        """Count one agent less at work."""
        self._at_work -= 1

    def _memory_suffices(self) -> bool:
        """Return whether there is memory for one more agent; always for the only one."""
        return not self._at_work or self._free_memory() >= MEMORY_PER_AGENT_BYTES
