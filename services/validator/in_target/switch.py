"""The switch that turns mutants on, and notes which of them are reached.

The mutated source calls it by two builtins. Python processes that a test starts install it too, by
`sitecustomize`: they take the active mutants from their environment, and append what they reach to
a file. Nothing of it is installed where no mutants are tried.
"""

from __future__ import annotations

import builtins
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    # Every Python process that a test starts would pay for this import.
    from collections.abc import Iterable

ACTIVE, REACHED = "GROUNDSWELL_ACTIVE_MUTANTS", "GROUNDSWELL_REACHED"


class MutantError(RuntimeError):
    """What a mutant raises where no other change of the code is possible."""


class MutantSwitch:
    """Which mutants are active in this process, and which were reached since that was cleared."""

    def __init__(self) -> None:
        self.active = frozenset(map(int, os.environ.get(ACTIVE, "").split()))
        self.reached: set[int] = set()
        # The process whose `reached` is read directly; all others append theirs to the file.
        self.reporting_pid = 0

    def is_active(self, number: int) -> bool:
        """Note that a mutant was reached, and return whether it is active."""
        if number not in self.reached:
            self.reached.add(number)
            self._report(number)
        return number in self.active

    def raise_if_active(self, number: int) -> bool:
        """Note that a mutant was reached; raise `MutantError` if it is active, or return False."""
        if self.is_active(number):
            raise MutantError("a mutant raises this error")
        return False

    def turn_on(self, numbers: Iterable[int]) -> None:
        """Activate exactly these mutants, here and in processes started from here."""
        self.active = frozenset(numbers)
        os.environ[ACTIVE] = " ".join(map(str, self.active))

    def _report(self, number: int) -> None:
        """Append a reached mutant to the file of reached ones, in any but the reporting process."""
        path = os.environ.get(REACHED)
        if path and os.getpid() != self.reporting_pid:
            with open(path, "a", encoding="ascii") as file:  # noqa: PTH123 - pathlib costs each Python its import
                file.write("%d\n" % number)  # noqa: UP031


SWITCH = MutantSwitch()


def install(is_active: str, raise_if_active: str) -> None:
    """Make the switch known to mutated code, by these names, before any of it is imported.

    They are other ones in each run, so that no code can look for them.
    """
    setattr(builtins, is_active, SWITCH.is_active)
    setattr(builtins, raise_if_active, SWITCH.raise_if_active)
