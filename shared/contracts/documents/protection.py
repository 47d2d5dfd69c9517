"""Protection: whether tests kill the mutants of the lines that a change touches."""

from collections.abc import Iterable
from typing import Literal

from shared.contracts.base import (
    Id,
    Value,
)


class SurvivingMutant(Value):
    """A mutant that no test killed; `reached` says whether any test executes its line."""

    path: str
    line: int
    description: str
    reached: bool


class LostCoverage(Value):
    """A function that a change touches and that no test reaches any more; `tests_before` did."""

    path: str
    function: str
    tests_before: int


class Protection(Value):
    """The protection of a change: whether tests would notice a fault in the lines it touches.

    protected: every mutant was killed · unprotected: some survived · unknown: there is code that
    can be wrong, but no mutant could be tried · not_measured: mutants cannot be tried in this
    target, or it was only checked that a test imports the code · nothing: the change touches
    nothing that can be wrong, such as comments.

    `mutants` counts those that were tried, `not_measured` those and the places that were not. Code
    that runs only at import is mostly just checked for being imported by a test, which protects
    nothing. `lines` counts the changed lines about which something is known, `protected_lines`
    those among them without a survivor, and `uncovered` lists the functions that lose all their
    coverage by the change.
    """

    state: Literal["protected", "unprotected", "unknown", "not_measured", "nothing"]
    mutants: int = 0
    killed: int = 0
    survived: tuple[SurvivingMutant, ...] = ()
    not_measured: int = 0
    lines: int = 0
    protected_lines: int = 0
    summary: str = ""
    run: Id | None = None
    uncovered: tuple[LostCoverage, ...] = ()

    @property
    def unreached(self) -> tuple[str, ...]:
        """The survivors that no test executes, as path:line."""
        return tuple(f"{each.path}:{each.line}" for each in self.survived if not each.reached)


class ProtectionShare(Value):
    """How much of the changed code is protected, where it was measured: counts, not a ratio."""

    changes: int
    protected_changes: int
    mutants: int
    killed: int
    lines: int
    protected_lines: int


def protection_share(found: Iterable[Protection | None]) -> ProtectionShare | None:
    """Return the sum over changes, or None where nothing was measured."""
    measured = [each for each in found if each is not None and each.lines]
    if not measured:
        return None
    return ProtectionShare(
        changes=len(measured),
        protected_changes=sum(each.state == "protected" for each in measured),
        mutants=sum(each.mutants for each in measured),
        killed=sum(each.killed for each in measured),
        lines=sum(each.lines for each in measured),
        protected_lines=sum(each.protected_lines for each in measured),
    )
