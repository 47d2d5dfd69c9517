"""Comments by which people tell ESLint to be silent about a rule."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from shared.detectors.texts import split_lines

MAX_REMEMBERED_TEXTS = 256
DIRECTIVE = re.compile(
    r"(?://|/\*)\s*eslint-(?P<what>disable-next-line|disable-line|disable|enable)\b"
    r"(?P<rules>[^*\n]*)"
)
# What people write behind the names of rules, to say why.
REASON = re.compile(r"\s--\s.*")


@dataclass(frozen=True)
class _Directive:
    """A comment in a line: what it does, and to which rules; to all if it names none."""

    line: int
    what: str
    rules: frozenset[str]

    def is_about(self, code: str) -> bool:
        """Return whether a rule is meant; that of a plug-in for TypeScript has a prefix."""
        return not self.rules or any(each.rpartition("/")[2] == code for each in self.rules)


def is_silenced(text: str, line: int, code: str) -> bool:
    """Return whether a comment says that a rule is not to be reported in a line."""
    silent = False
    for each in _directives(text):
        if not each.is_about(code):
            continue
        if each.what in {"disable-line", "disable-next-line"}:
            if each.line + (each.what == "disable-next-line") == line:
                return True
        elif each.line <= line:
            silent = each.what == "disable"
    return silent


@lru_cache(maxsize=MAX_REMEMBERED_TEXTS)
def _directives(text: str) -> tuple[_Directive, ...]:
    """Return the comments for ESLint in a text, in order."""
    return tuple(_read(text)) if "eslint-" in text else ()


def _read(text: str) -> Iterator[_Directive]:
    """Yield the comments for ESLint in a text."""
    for number, line in enumerate(split_lines(text), 1):
        for found in DIRECTIVE.finditer(line):
            names = re.split(r"[,\s]+", REASON.sub("", found["rules"]).strip())
            yield _Directive(number, found["what"], frozenset(filter(None, names)))
