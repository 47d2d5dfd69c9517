"""The fixers of rules that a target brings itself, by the edits that ast-grep offers."""

from dataclasses import dataclass

from services.agents.types.code_quality.section import own_rules
from shared.agent_types import FixBehaviour, FixerDeclaration, Priors, ToolFixer
from shared.detectors.astgrep import AstGrepDetector, AstGrepRule
from shared.detectors.findings import rule_id
from shared.detectors.ports import DetectorResources, Source

TOOL = "ast-grep"
PRIORS = Priors(safe=0.9, unsafe=0.7)
BEHAVIOUR = FixBehaviour("whatever the fix of the project's own rule changes")


@dataclass(frozen=True)
class OwnRuleFixer(ToolFixer):
    """Applies the fix of one rule of the target's own."""

    rule: AstGrepRule

    def why(self) -> str:
        """Return what the rule says about itself."""
        return self.rule.note or ("" if "$" in self.rule.message else self.rule.message)


def own_rules_detector(resources: DetectorResources) -> AstGrepDetector:
    """Return the detector over the target's own rules; what has no fix becomes advice."""
    return AstGrepDetector(TOOL, resources.scratch, own_rules, ("*",), advises=True)


def own_rule_fixers(source: Source) -> tuple[OwnRuleFixer, ...]:
    """Return the fixers of the target's own rules, in the order of their ids."""
    return tuple(
        _fixer(each) for _, each in sorted(own_rules(source).rules.items()) if each.has_fix
    )


def _fixer(rule: AstGrepRule) -> OwnRuleFixer:
    """Return the fixer of one rule."""
    return OwnRuleFixer(
        FixerDeclaration(
            rule_id(TOOL, rule.id),
            "apply the project's own rule",
            rule.severity,
            priors=PRIORS,
            behaviour=BEHAVIOUR,
        ),
        rule,
    )
