"""The fixers over the edits that the detector of weaknesses offers."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.agents.types.security.imports import tidy_imports
from services.agents.types.security.rule import WeaknessRule
from shared.agent_types import FixerDeclaration
from shared.detectors.ports import FixableFinding
from shared.detectors.texts import apply_fixes


@dataclass(frozen=True)
class WeaknessFixer:
    """A `Fixer` that makes the edits of one rule, and puts the imports right."""

    rule: WeaknessRule

    @property
    def declaration(self) -> FixerDeclaration:
        """The rule whose findings it removes, and what is known about its fix."""
        return self.rule.declaration

    def why(self) -> str:
        """Return why breaking the rule is bad."""
        return self.rule.why

    def fix(self, text: str, found: Sequence[FixableFinding]) -> tuple[str, tuple[int, ...]]:
        """Return the text without these findings, and the indices of those that were removed."""
        fixed, applied = apply_fixes(text, [each.edits for each in found])
        if fixed == text:
            return text, ()
        return tidy_imports(text, fixed, self.rule.imports), applied
