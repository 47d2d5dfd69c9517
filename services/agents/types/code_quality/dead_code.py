"""The fixers that remove dead code, by the edits that its detector offers."""

from dataclasses import dataclass

from shared.agent_types import FixBehaviour, FixerDeclaration, Priors, ToolFixer
from shared.contracts.base import Severity
from shared.detectors.findings import rule_id
from shared.detectors.vulture.detector import TOOL

UNUSED = FixBehaviour(
    "what finds the definition without naming it, or takes it from outside of the repository",
    ("dead-code.unused-definition", "reflection.unused-import"),
)
UNREACHABLE = FixBehaviour(
    "what kind of function it is and what its names mean, where the statements say so",
    ("dead-code.unreachable-statements", "reflection.unused-import"),
)
PHRASES = {
    "V101": ("remove classes that nothing uses", UNUSED),
    "V103": ("remove functions that nothing uses", UNUSED),
    "V105": ("remove methods that nothing uses", UNUSED),
    "V106": ("remove properties that nothing uses", UNUSED),
    "V201": ("remove code that is never reached", UNREACHABLE),
}
WHY = (
    "Code that never runs is read, changed and tested with the rest, and misleads whoever takes it "
    "for the code that does the work."
)


@dataclass(frozen=True)
class DeadCodeFixer(ToolFixer):
    """Removes the dead code of one rule."""

    def why(self) -> str:
        """Return why dead code is bad."""
        return WHY


def dead_code_fixers(priors: Priors) -> tuple[DeadCodeFixer, ...]:
    """Return the fixers in the order in which they are applied."""
    return tuple(
        DeadCodeFixer(
            FixerDeclaration(
                rule_id(TOOL, code), phrase, Severity.WARNING, priors=priors, behaviour=behaviour
            )
        )
        for code, (phrase, behaviour) in PHRASES.items()
    )
