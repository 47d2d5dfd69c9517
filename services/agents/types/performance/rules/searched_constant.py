"""Make constants of the module that are only searched sets."""

import ast
from collections.abc import Iterator

from services.agents.types.performance.rewrite import TOOL, Rewrite
from services.agents.types.performance.rewritten import RewrittenFile
from services.agents.types.performance.rules.searched_display import MIN_ITEMS, replace_by_set
from shared.agent_types import FixBehaviour, FixerDeclaration
from shared.behaviour.conditions.membership import is_hashable_constant, reason_against_searched
from shared.behaviour.tree import SyntaxTree
from shared.contracts.base import Severity
from shared.detectors.findings import rule_id
from shared.detectors.rewrites import Match


class SearchedConstant(Rewrite):
    """A list of constants at the top level that is only ever searched becomes a set."""

    declaration = FixerDeclaration(
        rule=rule_id(TOOL, "PRF102"),
        phrase="make constants that are only searched sets",
        severity=Severity.WARNING,
        commit_type="perf",
        saves=0.1,
        behaviour=FixBehaviour(
            "the type of a constant that others may take, and what cannot be hashed",
            ("membership.searched-constant",),
        ),
    )
    reason = "A list is compared item by item each time that it is searched; a set is looked up."

    def find(self, tree: SyntaxTree) -> Iterator[Match]:
        """Yield the displays of such constants."""
        for each in tree.code.tree.body:
            if not isinstance(each, ast.Assign) or len(each.targets) != 1:
                continue
            target, value = each.targets[0], each.value
            if not isinstance(target, ast.Name) or target.id.startswith("__"):
                continue
            if not isinstance(value, ast.List | ast.Tuple) or len(value.elts) < MIN_ITEMS:
                continue
            if not all(map(is_hashable_constant, value.elts)) or not _is_read(target.id, tree):
                continue
            if not reason_against_searched(target.id, tree, any_subject=True):
                private = target.id.startswith("_")
                shown = private and not reason_against_searched(target.id, tree)
                message = f"`{target.id}` is only ever searched, item by item."
                yield Match(value, message, "safe" if shown else "unsafe")

    def rewrite(self, file: RewrittenFile, match: Match) -> bool:
        """Put braces in place of the brackets."""
        return replace_by_set(file, match)


def _is_read(name: str, tree: SyntaxTree) -> bool:
    """Return whether the file reads a variable anywhere."""
    return any(isinstance(each.ctx, ast.Load) for each in tree.names[name])
