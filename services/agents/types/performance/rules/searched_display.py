"""Search sets of constants, not lists that are written out."""

import ast
from collections.abc import Iterator, Sequence

import libcst as cst

from services.agents.types.performance.rewrite import TOOL, Rewrite
from services.agents.types.performance.rewritten import RewrittenFile
from shared.agent_types import FixBehaviour, FixerDeclaration
from shared.behaviour.conditions.membership import is_hashable_constant, is_plain, is_searched
from shared.behaviour.tree import SyntaxTree
from shared.contracts.base import Severity
from shared.detectors.findings import rule_id
from shared.detectors.rewrites import Match

# Below that a list is searched about as fast as a set.
MIN_ITEMS = 4


class SearchedDisplay(Rewrite):
    """`x in [1, 2, 3, 4]` becomes `x in {1, 2, 3, 4}`, which is compiled to a constant as well.

    Where it is not evident that what is looked for can be hashed, it is found in loops only.
    """

    declaration = FixerDeclaration(
        rule=rule_id(TOOL, "PRF101"),
        phrase="search sets of constants in place of lists",
        severity=Severity.NOTE,
        commit_type="perf",
        saves=0.1,
        behaviour=FixBehaviour(
            "what is searched for something that cannot be hashed, which a set refuses",
            ("membership.hashed-constants",),
        ),
    )
    reason = (
        "A list is compared item by item; a set of constants is compiled once and looked up by "
        "hash (with five texts about a quarter of the time where none of them is the one)."
    )

    def find(self, tree: SyntaxTree) -> Iterator[Match]:
        """Yield the displays of constants that are searched."""
        for each in tree.all(ast.Compare):
            searched = each.comparators[0]
            if not isinstance(searched, ast.List | ast.Tuple) or not is_searched(searched, each):
                continue
            if len(searched.elts) < MIN_ITEMS or not all(map(is_hashable_constant, searched.elts)):
                continue
            plain = is_plain(each.left, tree)
            if plain or tree.loops(each):
                message = f"{len(searched.elts)} constants are compared one by one."
                yield Match(searched, message, "safe" if plain else "unsafe")

    def rewrite(self, file: RewrittenFile, match: Match) -> bool:
        """Put braces in place of the brackets."""
        return replace_by_set(file, match)


def replace_by_set(file: RewrittenFile, match: Match) -> bool:
    """Replace a list or tuple display by a set display of the same items, comments included."""
    if isinstance(match.node, ast.List) and (found := file.find(match.node, cst.List)) is not None:
        file.replace(found, _list_as_set)
        return True
    assert isinstance(match.node, ast.List | ast.Tuple)
    node = file.find(match.node, cst.Tuple)
    if node is None or len(node.lpar) != 1:
        return False
    file.replace(node, _tuple_as_set)
    return True


def _list_as_set(node: cst.List) -> cst.Set:
    """Return a list display as a set, with the spacing inside of its brackets."""
    before, after = node.lbracket.whitespace_after, node.rbracket.whitespace_before
    made = _set(node.elements, before, after)
    return made.with_changes(lpar=node.lpar, rpar=node.rpar)


def _tuple_as_set(node: cst.Tuple) -> cst.Set:
    """Return a tuple display as a set, with the spacing inside of its parentheses."""
    return _set(node.elements, node.lpar[0].whitespace_after, node.rpar[0].whitespace_before)


def _set(
    elements: Sequence[cst.BaseElement],
    before: cst.BaseParenthesizableWhitespace,
    after: cst.BaseParenthesizableWhitespace,
) -> cst.Set:
    """Return a set display with this spacing after its opening brace and before the closing one."""
    return cst.Set(
        elements=elements,
        lbrace=cst.LeftCurlyBrace(whitespace_after=before),
        rbrace=cst.RightCurlyBrace(whitespace_before=after),
    )
