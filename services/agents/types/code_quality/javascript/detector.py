"""The detector over the rules for JavaScript and TypeScript."""

from services.agents.types.code_quality.javascript.comments import is_silenced
from services.agents.types.code_quality.javascript.eslint import turned_off
from services.agents.types.code_quality.javascript.rewrites import replacement
from services.agents.types.code_quality.javascript.table import CODES, TOOL, select_rules
from services.agents.types.code_quality.javascript.var_scope import scope_stays_the_same
from services.agents.types.code_quality.section import rule_choice
from shared.detectors.astgrep import AstGrepDetector, AstGrepRules
from shared.detectors.astgrep.process import AstGrepMatch
from shared.detectors.astgrep.rules import VARIANT
from shared.detectors.ports import DetectorResources, Source
from shared.targets.languages import JAVASCRIPT

FILES = tuple(f"*{suffix}" for suffix in JAVASCRIPT.suffixes) + tuple(
    f"!*{suffix}" for suffix in JAVASCRIPT.generated_suffixes
)


def javascript_detector(resources: DetectorResources) -> AstGrepDetector:
    """Return the detector; what has no fix becomes advice."""
    return AstGrepDetector(
        TOOL,
        resources.scratch,
        chosen_rules,
        FILES,
        accepts=accepts,
        replacement=replacement,
        advises=True,
    )


def chosen_rules(source: Source) -> AstGrepRules:
    """Return the rules that a target chooses, without those that its ESLint is told to ignore."""
    choice, off = rule_choice(source), turned_off(source.tree, CODES)
    chosen = (code for code in CODES if choice.includes(code) and code not in off)
    return select_rules(frozenset(chosen))


def accepts(text: str, match: AstGrepMatch) -> bool:
    """Return whether a match counts: no comment silences it, and its scope allows what is said."""
    code = match.rule.partition(VARIANT)[0]
    if code == "no-var" and not scope_stays_the_same(text, match):
        return False
    return not is_silenced(text, match.range.start.line + 1, code)
