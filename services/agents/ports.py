"""What the use cases of the agents need of the machine."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol


class AgentSlots(Protocol):
    """The places for agents at work: as many as cores, memory and the settings allow."""

    @property
    def count(self) -> int:
        """The most agents that this process runs at once."""
        ...

    def has_room(self) -> bool:
        """Return whether one more agent of this process could begin at once, and none waits."""
        ...

    def acquire(self) -> AbstractAsyncContextManager[None]:
        """Wait for a slot, and hold it inside the block."""
        ...
