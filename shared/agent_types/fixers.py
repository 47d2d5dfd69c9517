"""Fixers of the rules engine: what they fix, how likely that is right, and what they may change."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from shared.behaviour.declarations import UNDECLARED, FixBehaviour
from shared.contracts.base import Severity
from shared.detectors.ports import FixableFinding
from shared.detectors.texts import apply_fixes


@dataclass(frozen=True)
class Priors:
    """The probability that a fix passes the gate, before anything is known about the target.

    `safe` counts where the tool promises that behaviour stays the same, `unsafe` elsewhere.
    """

    safe: float = 0.95
    unsafe: float = 0.7

    def of(self, *, safe: bool) -> float:
        """Return the prior of a fix."""
        return self.safe if safe else self.unsafe


DEFAULT_PRIORS = Priors()


@dataclass(frozen=True)
class FixerDeclaration:
    """What a fixer fixes: a rule by its id (`tool:code`), and what a maintainer should know.

    `phrase` is what the fix does, as the subject of a commit says it; `commit_type` is that of
    Conventional Commits. `behaviour` is what the fix may change about behaviour, and what shows
    that it does not; a fix whose behaviour is not declared may change anything. `saves` is the
    share of the run time of the changed functions that the fix is predicted to save: above 0 it
    lands only if the gate measures that they are faster. `half_done` is a text that a fix leaves
    where another rule cannot finish its work; such a place is left as it was. `quoted` is true if
    what its detector says of each place belongs in the commit's message.
    """

    rule: str
    phrase: str
    severity: Severity
    commit_type: str = "refactor"
    priors: Priors = DEFAULT_PRIORS
    behaviour: FixBehaviour = UNDECLARED
    saves: float = 0.0
    half_done: str = ""
    quoted: bool = False

    @property
    def tool(self) -> str:
        """The tool part of the rule id."""
        return self.rule.partition(":")[0]

    @property
    def code(self) -> str:
        """The rule part of the rule id, which the tool's documentation uses."""
        return self.rule.partition(":")[2]


class Fixer(Protocol):
    """Removes the findings of one rule from a file."""

    @property
    def declaration(self) -> FixerDeclaration:
        """The rule whose findings it removes, and what is known about its fix."""
        ...

    def why(self) -> str:
        """Return why breaking the rule is bad, in a sentence or two; empty if nothing is known."""
        ...

    def fix(self, text: str, found: Sequence[FixableFinding]) -> tuple[str, tuple[int, ...]]:
        """Return the text without these findings, and the indices of those that were removed."""
        ...


@dataclass(frozen=True)
class ToolFixer:
    """A `Fixer` that applies the edits which the tool offers with its findings."""

    declaration: FixerDeclaration

    def why(self) -> str:
        """Return an empty text; a subclass may know what the tool says about the rule."""
        return ""

    def fix(self, text: str, found: Sequence[FixableFinding]) -> tuple[str, tuple[int, ...]]:
        """Apply edits that do not overlap; return the text and the indices of those findings."""
        return apply_fixes(text, [each.edits for each in found])
