"""What a rule declares about the behaviour of the code that its fix changes."""

from dataclasses import dataclass
from enum import StrEnum


class FixClass(StrEnum):
    """How it is decided whether a fix of a rule keeps behaviour.

    proven: by comparing compiled programs · conditional: by conditions on the code at hand ·
    may_change: by a person, or by a policy that allows the rule by its name.
    """

    PROVEN = "proven"
    CONDITIONAL = "conditional"
    MAY_CHANGE = "may change"


@dataclass(frozen=True)
class FixBehaviour:
    """What a fix may change about behaviour, and what shows that it does not.

    `may_change` is the subject of a sentence: what may differ where nothing is shown. Each
    condition in `unless` (by its name) is sufficient by itself. `proven` says that the fix is
    expected to leave the compiled program as it is, and why. `permitted` says why the target itself
    permits such a fix, and is empty for most rules. `beyond_program` is true where what may change
    is not in the compiled program, such as what type checkers read: no proof says anything of it.
    """

    may_change: str = "anything: its rule declares nothing about behaviour"
    unless: tuple[str, ...] = ()
    proven: str = ""
    permitted: str = ""
    beyond_program: bool = False

    @property
    def kind(self) -> FixClass:
        """The class of the fix."""
        if self.unless:
            return FixClass.CONDITIONAL
        return FixClass.PROVEN if self.proven else FixClass.MAY_CHANGE


UNDECLARED = FixBehaviour()
