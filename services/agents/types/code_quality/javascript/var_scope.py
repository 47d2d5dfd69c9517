"""Whether a declaration with var means the same with const or let, by the text of its function.

Names are compared as words, in comments and strings as well: what is in doubt stays as it is.
"""

import re

from shared.detectors.astgrep.process import AstGrepMatch

# A file with any of these is not written for engines that lack const and let.
MODERN = re.compile(r"\b(?:const|let|class|await)\s|=>|^\s*(?:import|export)\b", re.MULTILINE)
HOISTED = re.compile(r"\bfunction\b\s*\*?\s*\w+\s*\(|\beval\s*\(|\bwith\s*\(")
# The beginning of the function that has the declaration.
OWN_HEAD = re.compile(r"\A(?:async\s+)?function\b\s*\*?\s*[\w$]*\s*\(")
# What gives several names new values at once.
DESTRUCTURED = re.compile(r"[\]}]\s*=(?![=>])|\bfor\b[^;]*\b(?:of|in)\b")


def scope_stays_the_same(text: str, match: AstGrepMatch) -> bool:
    """Return whether only what follows the declaration uses the name, which is declared once.

    The declaration is one of a function's own block, so what follows in the function is in its
    scope. What is hoisted could use the name before that.
    """
    if not MODERN.search(text):
        return False
    name, before, after = _parts(text, match)
    if _word(name).search(before) or HOISTED.search(before + after):
        return False
    return not _is_declared(name, after) and not _word(name).search(_value(match))


def _is_declared(name: str, text: str) -> bool:
    """Return whether a text declares a name by var: alone, among others, or by destructuring."""
    word = _word(name).pattern
    among_others = rf"[^;]*,\s*{word}\s*(?:=(?!=)|[,;\n]|in\b|of\b)"
    return bool(re.search(rf"\bvar\b(?:\s+{word}|{among_others}|\s*[{{[][^;=]*{word})", text))


def keyword(text: str, match: AstGrepMatch) -> str:
    """Return const, or let where the name may get another value."""
    name, _, after = _parts(text, match)
    word = _word(name).pattern
    assigned = re.compile(
        rf"{word}\s*(?:[-+*/%&|^]|\*\*|<<|>>>?|&&|\|\||\?\?)?=(?![=>])"
        rf"|{word}\s*(?:\+\+|--)|(?:\+\+|--)\s*{word}"
    )
    return "let" if assigned.search(after) or DESTRUCTURED.search(after) else "const"


def _parts(text: str, match: AstGrepMatch) -> tuple[str, str, str]:
    """Return the name that is declared, and the function's text before and after that."""
    content, span = text.encode(), match.range.span
    around = match.captured.single["FUNCTION"].range.span
    name = match.captured.single["NAME"].text
    before, after = content[around.start : span.start], content[span.end : around.end]
    return name, OWN_HEAD.sub("(", before.decode(), count=1), after.decode()


def _value(match: AstGrepMatch) -> str:
    """Return the text of the value that the name is declared with."""
    return match.captured.single["VALUE"].text


def _word(name: str) -> re.Pattern[str]:
    """Return the pattern of a name as a word."""
    return re.compile(rf"(?<![\w$]){re.escape(name)}(?![\w$])")
