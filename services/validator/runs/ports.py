"""What gives out the cores of a machine."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol


class Slots(Protocol):
    """The cores of this machine, given out to runs. `name` is what all who share them call them."""

    @property
    def name(self) -> str: ...

    @property
    def cores(self) -> int:
        """How many there are."""
        ...

    @property
    def share(self) -> int:
        """How many of them the runs of this process take at most; one that takes more runs alone here."""
        ...

    def free(self) -> int:
        """How many nobody has."""
        ...

    def has_room(self) -> bool:
        """Whether one more run of this process has a chance to begin at once."""
        ...

    def runs(self) -> int:
        """How many runs have cores, of all processes of the machine."""
        ...

    def taken(self, wanted: int) -> AbstractAsyncContextManager[None]:
        """Wait for so many cores, all of them where that is more, and have them until the end."""
        ...
