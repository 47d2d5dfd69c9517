"""The switch of planted faults: it says which fault is on, and is told which are reached.

Also Pythons that a test starts have it, by `sitecustomize`: they know the fault that is on from their environment, and
write what they reach to a file. Nothing of it is done where no faults are planted.
"""

from __future__ import annotations

import builtins
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Not even this for each Python that a test starts.
    from collections.abc import Iterable

ACTIVE, REACHED = "GROUNDSWELL_FAULT", "GROUNDSWELL_REACHED"


class PlantedError(RuntimeError):
    """What is raised where only that can be planted."""


class Switch:
    """`active` are the faults that are on; `reached` are those whose place was run since it was emptied."""

    def __init__(self) -> None:
        self.active = frozenset(map(int, os.environ.get(ACTIVE, "").split()))
        self.reached: set[int] = set()
        # The process that is asked for what it reached; any other one has to tell.
        self.asked = 0

    def fault(self, number: int) -> bool:
        """Whether the fault of this number is on."""
        if number not in self.reached:
            self.reached.add(number)
            self._tell(number)
        return number in self.active

    def place(self, number: int) -> bool:
        """An error where the fault is on, else what is false."""
        if self.fault(number):
            raise PlantedError("a fault was planted here")
        return False

    def turn_on(self, numbers: Iterable[int]) -> None:
        """Here, and in what is started from here."""
        self.active = frozenset(numbers)
        os.environ[ACTIVE] = " ".join(map(str, self.active))

    def _tell(self, number: int) -> None:
        path = os.environ.get(REACHED)
        if path and os.getpid() != self.asked:
            with open(path, "a", encoding="ascii") as file:  # noqa: PTH123 - pathlib costs each Python its import
                file.write("%d\n" % number)  # noqa: UP031


SWITCH = Switch()


def install() -> None:
    """Before anything of the target is imported."""
    setattr(builtins, "__gs_fault__", SWITCH.fault)  # noqa: B010
    setattr(builtins, "__gs_place__", SWITCH.place)  # noqa: B010
