"""The fixers for JavaScript and TypeScript, by the edits that their detector offers."""

from dataclasses import dataclass

from services.agents.types.code_quality.javascript.table import TOOL, JavaScriptRule, read_table
from shared.agent_types import FixBehaviour, FixerDeclaration, Priors, ToolFixer
from shared.contracts.base import Severity
from shared.detectors.findings import rule_id


@dataclass(frozen=True)
class JavaScriptFixer(ToolFixer):
    """Applies the fix of one rule."""

    note: str

    def why(self) -> str:
        """Return why breaking the rule is bad."""
        return self.note


def javascript_fixers(priors: Priors) -> tuple[JavaScriptFixer, ...]:
    """Return the fixers in the order in which they are applied."""
    return tuple(_fixer(each, priors) for each in read_table().values() if each.phrase)


def _fixer(rule: JavaScriptRule, priors: Priors) -> JavaScriptFixer:
    """Return the fixer of one rule."""
    is_error = rule.rule.severity is Severity.ERROR
    return JavaScriptFixer(
        FixerDeclaration(
            rule_id(TOOL, rule.rule.id),
            rule.phrase,
            rule.rule.severity,
            commit_type="fix" if is_error else "refactor",
            priors=priors,
            behaviour=FixBehaviour(rule.may_change),
        ),
        rule.rule.note,
    )
