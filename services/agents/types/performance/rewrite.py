"""Rules of ours: each finds places in a syntax tree, and rewrites them by LibCST."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import ClassVar

import libcst as cst

from services.agents.types.performance.rewritten import RewrittenFile
from shared.agent_types import FixerDeclaration
from shared.behaviour.tree import SyntaxTree, tree_of
from shared.contracts.base import Severity
from shared.detectors.comments import drops_comment
from shared.detectors.ports import FixableFinding
from shared.detectors.rewrites import Match, identified_matches
from shared.detectors.texts import Edit, split_lines

TOOL = "performance"
# What binds at least as tightly as `+` does.
STANDING_ALONE = (
    *(cst.Name, cst.Attribute, cst.Call, cst.Subscript, cst.BinaryOperation),
    *(cst.List, cst.Set, cst.Dict, cst.ListComp, cst.SetComp, cst.DictComp),
)


class AdviceRule:
    """A rule whose findings only advise: `find` yields the places where it is broken."""

    code: ClassVar[str]
    severity: ClassVar[Severity] = Severity.NOTE
    is_advice: ClassVar[bool] = True
    tool: ClassVar[str] = TOOL
    # From which Python on the rule makes sense.
    oldest_python: ClassVar[tuple[int, int]] = (2, 7)

    def find(self, tree: SyntaxTree) -> Iterator[Match]:
        """Yield the places where the rule is broken."""
        raise NotImplementedError

    def matches(self, path: str, text: str) -> Sequence[Match]:
        """Return the places in the order of their lines."""
        return sorted(self.find(tree_of(path, text)), key=lambda each: each.line)


class Rewrite(AdviceRule):
    """A rule with a fix: it is a `Rule` of the detector and a `Fixer` of the rules engine.

    `reason` says in a sentence or two why the rule pays, with what was measured.
    """

    declaration: ClassVar[FixerDeclaration]
    reason: ClassVar[str]
    is_advice: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        """Take code and severity from the declaration."""
        cls.code, cls.severity = cls.declaration.code, cls.declaration.severity

    def rewrite(self, file: RewrittenFile, match: Match) -> bool:
        """Make the replacements that fix one match; return whether that can be done."""
        raise NotImplementedError

    def matches(self, path: str, text: str) -> Sequence[Match]:
        """Return the places by their lines; those whose fix would drop a comment have none."""
        found = super().matches(path, text)
        lines = split_lines(text) if found else []
        return [
            replace(each, fixable="no")
            if any("#" in line for line in lines[each.line - 1 : each.end_line])
            and not self._keeps_comments(path, text, each)
            else each
            for each in found
        ]

    def _keeps_comments(self, path: str, text: str, match: Match) -> bool:
        """Return whether the fix of a match leaves all comments of the file where they are."""
        try:
            return not _drops_comment(text, self._rewritten(path, text, [(match, 0)])[0])
        except (SyntaxError, ValueError, RecursionError, cst.ParserSyntaxError):
            return False

    def why(self) -> str:
        """Return why breaking the rule is bad."""
        return self.reason

    def fix(self, text: str, found: Sequence[FixableFinding]) -> tuple[str, tuple[int, ...]]:
        """Return the text without these findings, and the indices of those that were removed.

        A fix that would drop a comment is not made, nor one of a file that LibCST cannot parse.
        """
        if not found:
            return text, ()
        path = found[0].finding.path
        wanted = {each.finding.fingerprint: n for n, each in enumerate(found)}
        try:
            matches = [
                (match, wanted[fingerprint])
                for match, fingerprint in identified_matches(self, path, text)
                if fingerprint in wanted and match.fixable != "no"
            ]
            new, fixed = self._rewritten(path, text, matches)
            if _drops_comment(text, new):
                harmless = [e for e in matches if self._keeps_comments(path, text, e[0])]
                new, fixed = self._rewritten(path, text, harmless)
        except (SyntaxError, ValueError, RecursionError, cst.ParserSyntaxError):
            return text, ()
        return (text, ()) if _drops_comment(text, new) else (new, fixed)

    def _rewritten(
        self, path: str, text: str, matches: Sequence[tuple[Match, int]]
    ) -> tuple[str, tuple[int, ...]]:
        """Return the text with the fixes of these matches, and the numbers of those it has.

        Raises `libcst.ParserSyntaxError` where LibCST cannot parse it.
        """
        file = RewrittenFile(tree_of(path, text).code)
        fixed = tuple(number for match, number in matches if self.rewrite(file, match))
        return (file.text() if fixed else text), fixed


def _drops_comment(text: str, new: str) -> bool:
    """Return whether a comment of a text is missing in another version of it."""
    return drops_comment(text, (Edit((1, 1), (len(split_lines(text)) + 1, 1), new),))


def unwrap_call(file: RewrittenFile, match: Match) -> bool:
    """Replace a call by its only argument; return False where LibCST finds no such call."""
    node = file.find(match.node, cst.Call) if isinstance(match.node, ast.expr) else None
    if node is None or len(node.args) != 1 or not _stands_alone(node.args[0].value):
        return False
    file.replace(node, _argument)
    return True


def _stands_alone(node: cst.BaseExpression) -> bool:
    """Return whether an argument of a call needs no parentheses where the call stood."""
    return bool(node.lpar) or isinstance(node, STANDING_ALONE)


def _argument(call: cst.Call) -> cst.BaseExpression:
    """Return the only argument of a call, in parentheses where the call stood in some."""
    inner = call.args[0].value
    return inner.with_changes(lpar=[*call.lpar, *inner.lpar], rpar=[*inner.rpar, *call.rpar])
