"""What a rule of our own finds in a Python file."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from shared.contracts.base import Severity
from shared.detectors.findings import Fingerprints
from shared.detectors.linters import is_silenced
from shared.detectors.texts import line_at, split_lines

Fixable = Literal["no", "safe", "unsafe"]


@dataclass(frozen=True, eq=False)
class Match:
    """A place where a rule is broken: its node, what to tell people, and whether it can be fixed.

    `safe` and `unsafe` are the rule's own words on its fix, as with other tools: with `safe` the
    file itself shows that behaviour stays the same.
    """

    node: ast.expr | ast.stmt
    message: str
    fixable: Fixable = "unsafe"

    @property
    def line(self) -> int:
        """The line where it begins, counted from 1."""
        return self.node.lineno

    @property
    def end_line(self) -> int:
        """The line where it ends."""
        return self.node.end_lineno or self.node.lineno


class Rule(Protocol):
    """Finds the places in a Python file where one rule is broken. It can be hashed."""

    def __hash__(self) -> int: ...

    @property
    def tool(self) -> str:
        """The tool part of the rule's id."""
        ...

    @property
    def code(self) -> str:
        """The rule part of the rule's id: letters and digits, as comments for linters have them."""
        ...

    @property
    def severity(self) -> Severity:
        """How bad it is to break the rule."""
        ...

    @property
    def is_advice(self) -> bool:
        """True if nothing that it finds can be fixed by a rewrite."""
        ...

    def matches(self, path: str, text: str) -> Sequence[Match]:
        """Return the places in the order of their lines.

        Raises SyntaxError, ValueError or RecursionError where the file cannot be analysed.
        """
        ...


def identified_matches(rule: Rule, path: str, text: str) -> Iterator[tuple[Match, str]]:
    """Yield what a rule finds, each with its fingerprint, except where a comment silences it."""
    matches = rule.matches(path, text)
    fingerprints, lines = Fingerprints(), split_lines(text) if matches else []
    for each in matches:
        if not is_silenced(text, each.line, rule.code):
            line = line_at(lines, each.line)
            yield each, fingerprints.next(rule.tool, rule.code, path, line)
