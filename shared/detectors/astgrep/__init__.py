"""ast-grep: findings and rewrites by rules that are data, in any language that it can parse."""

from shared.detectors.astgrep.detector import AstGrepDetector
from shared.detectors.astgrep.process import find_ast_grep
from shared.detectors.astgrep.rules import AstGrepRule, AstGrepRules

__all__ = ["AstGrepDetector", "AstGrepRule", "AstGrepRules", "find_ast_grep"]
