"""The port that gives out the cores of a machine."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Slots(Protocol):
    """The cores of this machine, given out to test runs.

    `name` is the same for all processes that share the cores.
    """

    @property
    def name(self) -> str:
        """The name of this set of cores, equal for all processes that share them."""

    @property
    def cores(self) -> int:
        """The number of cores."""
        ...

    @property
    def core_limit(self) -> int:
        """The most cores that the runs of this process take together.

        A run that needs more is executed alone in this process.
        """
        ...

    def free(self) -> int:
        """Return the number of cores that no run holds."""
        ...

    def has_room(self) -> bool:
        """Return whether one more run of this process might start at once."""
        ...

    def runs(self) -> int:
        """Return the number of runs that hold cores, of all processes of the machine."""
        ...

    def acquire(self, wanted: int) -> AbstractAsyncContextManager[None]:
        """Wait for `wanted` cores, or all if there are fewer, and hold them inside the block."""
        ...
