"""Whether a change's lines are protected by tests that kill its mutants."""

from collections.abc import Iterable
from typing import Literal

from shared.contracts.base import (
    Id,
    Value,
)


class SurvivingMutant(Value):
    """A planted fault at which every test stayed green; `reached` says whether any test runs that line."""

    path: str
    line: int
    description: str
    reached: bool


class LostCoverage(Value):
    """A function that a change touches and that no test reaches any more; so many tests did `tests_before`."""

    path: str
    function: str
    tests_before: int


class Protection(Value):
    """Whether the tests would notice a fault in what a change touches.

    protected: every fault that was tried was noticed · unprotected: some were not · unknown: there is code
    that can be wrong, and nothing could be tried in it · not_measured: nothing can be tried in such a
    target · nothing: it touches nothing that can be wrong, such as comments and annotations.

    `planted` are the faults that were tried, `not_measured` those and the places that were not. What runs only
    at import is mostly just looked at: whether any test imports it. `lines` are the changed lines of which
    something is known, `protected_lines` those of them where nothing stayed green, and `uncovered` the functions
    of whose coverage the change takes everything.
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
        """The places that no test runs, as path:line."""
        return tuple(f"{each.path}:{each.line}" for each in self.survived if not each.reached)


class ProtectionShare(Value):
    """How much of what changes touched is protected, where it was measured: counts, not a ratio."""

    changes: int
    protected_changes: int
    mutants: int
    killed: int
    lines: int
    protected_lines: int


def protection_share(found: Iterable[Protection | None]) -> ProtectionShare | None:
    """The sum over changes; None where nothing was measured, so that no number is shown that was not."""
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
