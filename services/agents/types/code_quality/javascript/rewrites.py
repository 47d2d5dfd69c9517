"""What the fixes of rules for JavaScript put in place of a match, where ast-grep cannot say it."""

import re

from services.agents.types.code_quality.javascript.var_scope import keyword
from shared.detectors.astgrep.process import AstGrepMatch
from shared.detectors.astgrep.rules import VARIANT

NAN = frozenset({"NaN", "Number.NaN"})
OPERATOR = re.compile(r"\s*(===?|!==?|in|instanceof)\s*")


def replacement(text: str, match: AstGrepMatch) -> str | None:
    """Return what a rule puts in place of a match; None if it offers nothing."""
    rewrite = REWRITES.get(match.rule.partition(VARIANT)[0])
    return rewrite(text, match) if rewrite else match.replacement


def _between(text: str, match: AstGrepMatch) -> str:
    """Return the operator between the sides of a comparison; empty if a comment is there, too."""
    content = text.encode()
    left = match.captured.single.get("LEFT") or match.captured.single["NEGATION"]
    right = match.captured.single["RIGHT"]
    gap = content[left.range.span.end : right.range.span.start].decode()
    found = OPERATOR.fullmatch(gap)
    return found[1] if found else ""


def compare_strictly(text: str, match: AstGrepMatch) -> str | None:
    """Return a comparison without conversion."""
    operator = _between(text, match)
    left, right = (match.captured.single[name].text for name in ("LEFT", "RIGHT"))
    return f"{left} {operator}= {right}" if operator else None


def ask_for_nan(text: str, match: AstGrepMatch) -> str | None:
    """Return `Number.isNaN(x)`, or its negation, for a comparison of `x` with NaN.

    Returns None where not exactly one side is NaN.
    """
    operator = _between(text, match)
    sides = [match.captured.single[name].text for name in ("LEFT", "RIGHT")]
    asked = [each for each in sides if each not in NAN]
    if not operator or len(asked) != 1:
        return None
    return f"{'!' if operator.startswith('!') else ''}Number.isNaN({asked[0]})"


def negate_all(text: str, match: AstGrepMatch) -> str | None:
    """Return the negation of the whole question."""
    operator = _between(text, match)
    argument, right = (match.captured.single[name].text for name in ("ARGUMENT", "RIGHT"))
    return f"!({argument} {operator} {right})" if operator else None


def declare_in_block(text: str, match: AstGrepMatch) -> str | None:
    """Return the declaration with const, or with let if the name gets other values later."""
    span = match.range.span
    declaration = text.encode()[span.start : span.end].decode()
    return f"{keyword(text, match)}{declaration.removeprefix('var')}"


REWRITES = {
    "eqeqeq": compare_strictly,
    "use-isnan": ask_for_nan,
    "no-unsafe-negation": negate_all,
    "no-var": declare_in_block,
}
