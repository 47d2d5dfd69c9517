"""Call the methods of compiled patterns, not functions of `re` that look for them first."""

import ast
from collections.abc import Iterator

import libcst as cst

from services.agents.types.performance.rewrite import TOOL, Rewrite
from services.agents.types.performance.rewritten import RewrittenFile
from shared.agent_types import FixBehaviour, FixerDeclaration
from shared.behaviour.conditions.patterns import asked_constant
from shared.behaviour.tree import SyntaxTree
from shared.contracts.base import Severity
from shared.detectors.findings import rule_id
from shared.detectors.rewrites import Match


class PatternMethod(Rewrite):
    """`re.match(PATTERN, text)` becomes `PATTERN.match(text)` for a compiled constant."""

    declaration = FixerDeclaration(
        rule=rule_id(TOOL, "PRF202"),
        phrase="call the methods of compiled patterns",
        severity=Severity.NOTE,
        commit_type="perf",
        saves=0.1,
        behaviour=FixBehaviour(
            "which function is called where that of `re` is replaced", ("patterns.own-method",)
        ),
    )
    reason = (
        "The functions of `re` find out first that the pattern is compiled already, which takes "
        "longer than a short match itself."
    )

    def find(self, tree: SyntaxTree) -> Iterator[Match]:
        """Yield the calls of functions of `re` with a compiled constant."""
        for each in tree.all(ast.Call):
            found = asked_constant(each, tree.code)
            if found is not None and tree.function(each) is not None:
                yield Match(each, f"`re` has to look at `{found[0]}`, which is compiled.", "safe")

    def rewrite(self, file: RewrittenFile, match: Match) -> bool:
        """Call the method with the arguments after the pattern."""
        node = file.find(match.node, cst.Call) if isinstance(match.node, ast.Call) else None
        if node is None or not isinstance(node.func, cst.Attribute):
            return False
        file.replace(node, _method_call)
        return True


def _method_call(call: cst.Call) -> cst.Call:
    """Return the call of a method of the first argument, with the other arguments."""
    assert isinstance(call.func, cst.Attribute)
    pattern, *rest = call.args
    return call.with_changes(func=cst.Attribute(pattern.value, call.func.attr), args=rest)
