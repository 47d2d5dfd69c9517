"""Slots for agents, in memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class PlainSlots:
    """Implements the `AgentSlots` port with a semaphore."""

    def __init__(self, count: int = 4) -> None:
        self.count = count
        self.waiting = 0
        self._free = asyncio.Semaphore(count)

    def has_room(self) -> bool:
        return not self.waiting and not self._free.locked()

    @asynccontextmanager
    async def acquire(self) -> AsyncIterator[None]:
        self.waiting += 1
        try:
            await self._free.acquire()
        finally:
            self.waiting -= 1
        try:
            yield
        finally:
            self._free.release()
