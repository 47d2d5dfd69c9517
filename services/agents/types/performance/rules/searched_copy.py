"""Search containers, not copies of them."""

import ast
from collections.abc import Iterator

from services.agents.types.performance.rewrite import TOOL, Rewrite, unwrap_call
from services.agents.types.performance.rewritten import RewrittenFile
from shared.agent_types import FixBehaviour, FixerDeclaration
from shared.behaviour.conditions.membership import copied, is_searched, is_searched_alike
from shared.behaviour.tree import SyntaxTree
from shared.contracts.base import Severity
from shared.detectors.findings import rule_id
from shared.detectors.rewrites import Match


class SearchedCopy(Rewrite):
    """`x in list(y)` becomes `x in y` where `y` is evidently a container that is searched alike."""

    declaration = FixerDeclaration(
        rule=rule_id(TOOL, "PRF103"),
        phrase="search containers without copying them",
        severity=Severity.WARNING,
        commit_type="perf",
        saves=0.3,
        behaviour=FixBehaviour(
            "the answer, where what is copied is drawn up or searched in another way",
            ("membership.searched-directly",),
        ),
    )
    reason = "The copy is made for one look, and a dict or set finds the item without any search."

    def find(self, tree: SyntaxTree) -> Iterator[Match]:
        """Yield the calls that copy what is searched."""
        for each in tree.all(ast.Compare):
            call = each.comparators[0]
            inner = copied(call, tree.code)
            if inner is None or not is_searched(call, each):
                continue
            if is_searched_alike(inner, each.left, tree):
                yield Match(call, f"`{ast.unparse(inner)[:60]}` is copied to be searched.", "safe")

    def rewrite(self, file: RewrittenFile, match: Match) -> bool:
        """Leave the argument of the call in its place."""
        return unwrap_call(file, match)
