"""The fixer that adds return annotations, by the edits that their detector offers."""

from dataclasses import dataclass

from services.agents.types.code_quality.returns.detector import RULE
from shared.agent_types import FixBehaviour, FixerDeclaration, Priors, ToolFixer
from shared.contracts.base import Severity


@dataclass(frozen=True)
class ReturnsFixer(ToolFixer):
    """Adds the annotation that a function evidently deserves."""

    def why(self) -> str:
        """Return why a missing return annotation is bad."""
        return (
            "A type checker takes the result of a function without a return annotation for "
            "anything, and in a file that is annotated otherwise nobody expects that."
        )


def returns_fixer(priors: Priors) -> ReturnsFixer:
    """Return the fixer."""
    return ReturnsFixer(
        FixerDeclaration(
            RULE,
            "say what functions evidently return",
            Severity.NOTE,
            priors=priors,
            behaviour=FixBehaviour(
                "what reads annotations while the program runs", ("returns.evident-annotation",)
            ),
        )
    )
