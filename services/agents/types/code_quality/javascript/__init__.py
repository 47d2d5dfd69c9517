"""Rules for JavaScript and TypeScript: YAML files with what ast-grep looks for, and their fixes."""

from services.agents.types.code_quality.javascript.detector import javascript_detector
from services.agents.types.code_quality.javascript.fixers import javascript_fixers
from services.agents.types.code_quality.javascript.table import CODES

__all__ = ["CODES", "javascript_detector", "javascript_fixers"]
