"""What all fixers of workflows have in common."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shared.agent_types import FixBehaviour, FixerDeclaration, Priors
from shared.detectors.findings import rule_id
from shared.detectors.n8n import RULES, TOOL, FoundProblem, Subject, WorkflowProblem
from shared.detectors.n8n.json_edits import Splice, apply_splices
from shared.detectors.ports import FixableFinding

Rewrite = Callable[[Subject, WorkflowProblem], Sequence[Splice]]


@dataclass(frozen=True)
class WorkflowFixer:
    """A `Fixer` of one rule: `rewrite` returns the edits that remove a problem, none if it cannot.

    The edits replace nothing but what has to change, so that all other bytes stay.
    """

    declaration: FixerDeclaration
    rewrite: Rewrite

    def why(self) -> str:
        """Return why breaking the rule is bad."""
        return RULES[self.declaration.code].why

    def fix(self, text: str, found: Sequence[FixableFinding]) -> tuple[str, tuple[int, ...]]:
        """Make the edits of each finding that do not overlap those of an earlier one."""
        edits: list[Splice] = []
        fixed = []
        for number, each in enumerate(found):
            mine = self._edits(text, each)
            if mine and apply_splices(text, [*edits, *mine]) is not None:
                edits += mine
                fixed.append(number)
        return apply_splices(text, edits) or text, tuple(fixed)

    def _edits(self, text: str, found: FixableFinding) -> list[Splice]:
        """Return the edits for one finding, none if it is about another version of the text."""
        if not isinstance(found, FoundProblem) or found.subject is None or found.problem is None:
            return []
        if found.subject.workflow.text != text or found.finding.fixable == "no":
            return []
        return list(self.rewrite(found.subject, found.problem))


def declare(
    code: str, phrase: str, behaviour: FixBehaviour, priors: Priors, commit_type: str = "fix"
) -> FixerDeclaration:
    """Return the declaration of the fixer of a rule, with the severity that the rule has."""
    return FixerDeclaration(
        rule=rule_id(TOOL, code),
        phrase=phrase,
        severity=RULES[code].severity,
        commit_type=commit_type,
        priors=priors,
        behaviour=behaviour,
    )
