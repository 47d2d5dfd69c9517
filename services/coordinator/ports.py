"""What the use cases of the coordinator need from outside."""

from typing import Protocol


class MachineFigures(Protocol):
    """What there is of the machine that the services run on."""

    def free_bytes(self) -> int:
        """Return how much disk is free where the home is."""

    def load(self) -> float:
        """Return the load average of the last minute per core."""

    def free_memory(self) -> float:
        """Return the share of memory that is free."""
