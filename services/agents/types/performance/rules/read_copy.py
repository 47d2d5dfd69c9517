"""Count and join without making a list first."""

import ast
from collections.abc import Iterator

from services.agents.types.performance.rewrite import TOOL, Rewrite
from services.agents.types.performance.rewritten import RewrittenFile
from shared.agent_types import FixBehaviour, FixerDeclaration
from shared.behaviour.conditions.copies import counted_copy, joined_copy
from shared.behaviour.tree import SyntaxTree, tree_around
from shared.contracts.base import Severity
from shared.detectors.findings import rule_id
from shared.detectors.rewrites import Match


class CountedCopy(Rewrite):
    """`len(list(x))` becomes `len(x)` where `x` is evidently a container.

    `len([... for ... if ...])` stays: `sum(1 for ...)` takes 30 to 70 % longer.
    """

    declaration = FixerDeclaration(
        rule=rule_id(TOOL, "PRF501"),
        phrase="count containers without copying them",
        severity=Severity.WARNING,
        commit_type="perf",
        saves=0.3,
        behaviour=FixBehaviour(
            "the number, where what is copied is no container", ("copies.counted-directly",)
        ),
    )
    reason = "A container knows how many items it has; the copy takes time and memory for each."

    def find(self, tree: SyntaxTree) -> Iterator[Match]:
        """Yield the calls of `len` with a copy of a container."""
        for each in tree.all(ast.Call):
            inner = counted_copy(each, tree.code, tree.function(each))
            if inner is not None:
                yield Match(each, f"`{ast.unparse(inner)[:60]}` is copied to be counted.", "safe")

    def rewrite(self, file: RewrittenFile, match: Match) -> bool:
        """Give `len` the container itself."""
        function = tree_around(file.code).function(match.node)
        return replace_argument(file, match, counted_copy(match.node, file.code, function))


class JoinedCopy(Rewrite):
    """`"".join(list(x))` becomes `"".join(x)`."""

    declaration = FixerDeclaration(
        rule=rule_id(TOOL, "PRF502"),
        phrase="join texts without copying them",
        severity=Severity.NOTE,
        commit_type="perf",
        saves=0.05,
        behaviour=FixBehaviour(
            "which function is called if `list` is bound anew", ("copies.joined-directly",)
        ),
    )
    reason = "`join` makes a list by itself of what is none."

    def find(self, tree: SyntaxTree) -> Iterator[Match]:
        """Yield the calls of `join` with a copy."""
        for each in tree.all(ast.Call):
            inner = joined_copy(each, tree.code)
            if inner is not None and not isinstance(inner, ast.GeneratorExp):
                yield Match(each, f"`{ast.unparse(inner)[:60]}` is copied to be joined.", "safe")

    def rewrite(self, file: RewrittenFile, match: Match) -> bool:
        """Give `join` the texts themselves."""
        return replace_argument(file, match, joined_copy(match.node, file.code))


def replace_argument(file: RewrittenFile, match: Match, inner: ast.expr | None) -> bool:
    """Give a call an expression inside of its argument in place of that argument."""
    if inner is None or not isinstance(match.node, ast.Call):
        return False
    outer = file.expression(match.node.args[0])
    node = file.expression(inner)
    if outer is None or node is None:
        return False
    file.replace(outer, lambda _: node)
    return True
