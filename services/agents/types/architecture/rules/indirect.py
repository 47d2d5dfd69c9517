"""Takes names from the module that defines them, rather than from a package that passes them on."""

from shared.agent_types import FixBehaviour, FixerDeclaration, Priors, ToolFixer
from shared.contracts.base import Severity

DECLARATION = FixerDeclaration(
    rule="imports:indirect",
    phrase="import from the module that defines it",
    severity=Severity.WARNING,
    priors=Priors(safe=0.95, unsafe=0.9),
    behaviour=FixBehaviour(
        "what is imported, if the package passes on something else than the module defines",
        unless=("imports.direct-import", "qualified.defining-module"),
    ),
    quoted=True,
)


class IndirectImportFixer(ToolFixer):
    """Applies the statements that the detector offers in place of an indirect import."""

    def why(self) -> str:
        """Return why an indirect import within a package is bad."""
        return (
            "A module that imports from the package around it closes an import cycle: it only "
            "works as long as the package binds the name before it imports that module."
        )


FIXER = IndirectImportFixer(DECLARATION)
