"""Advice: look a chain of attributes up once, before the innermost loop."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from typing import ClassVar

from services.agents.types.performance.rewrite import AdviceRule
from shared.behaviour.code import bound_names
from shared.behaviour.tree import LOOPS, SyntaxTree
from shared.detectors.rewrites import Match

MIN_LOOK_UPS = 4
MIN_DOTS = 2
MIN_LOOPS = 2


class RepeatedLookup(AdviceRule):
    """The same chain, such as `self.grid.rows`, is looked up many times in a nested loop.

    Attributes may be computed, or change in between, and without a profile nobody knows whether the
    loop matters. So this is advice, and only for loops inside of loops.
    """

    code = "PRF603"
    min_loops: ClassVar[int] = MIN_LOOPS

    def find(self, tree: SyntaxTree) -> Iterator[Match]:
        """Yield the first look-up of each such chain in each innermost loop."""
        chains: dict[tuple[ast.AST, str], list[ast.Attribute]] = defaultdict(list)
        for each in tree.all(ast.Attribute):
            if not _is_chain(each) or _is_longer(each, tree):
                continue
            loops = [loop for loop in tree.loops(each) if isinstance(loop, LOOPS)]
            if len(loops) >= self.min_loops:
                chains[loops[0], ast.unparse(each)].append(each)
        for (loop, text), found in chains.items():
            if len(found) >= MIN_LOOK_UPS and _is_constant_in(loop, found[0]):
                message = f"`{text}` is looked up {len(found)} times in each round of the loop."
                yield Match(found[0], message, "no")


class HotLookup(RepeatedLookup):
    """The same in any loop of a function that a profile says is hot."""

    code = "PRF604"
    min_loops = 1


def _is_chain(node: ast.Attribute) -> bool:
    """Return whether a node reads attributes of a variable, at least two deep."""
    dots, inner = 0, node
    while isinstance(inner, ast.Attribute):
        if not isinstance(inner.ctx, ast.Load):
            return False
        dots, inner = dots + 1, inner.value  # type: ignore[assignment]
    return dots >= MIN_DOTS and isinstance(inner, ast.Name)


def _is_longer(node: ast.Attribute, tree: SyntaxTree) -> bool:
    """Return whether a chain goes on, or ends in a method that is called."""
    parent = tree.parent(node)
    called = isinstance(parent, ast.Call) and parent.func is node
    return called or (isinstance(parent, ast.Attribute) and _is_chain(parent))


def _is_constant_in(loop: ast.AST, node: ast.Attribute) -> bool:
    """Return whether a loop assigns neither the variable of a chain nor an attribute in it."""
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    attributes = {each.attr for each in ast.walk(node) if isinstance(each, ast.Attribute)}
    assigned = {
        each.attr
        for each in ast.walk(loop)
        if isinstance(each, ast.Attribute) and not isinstance(each.ctx, ast.Load)
    }
    return not names & {*bound_names(loop)} and not attributes & assigned
