"""Cache functions that compute the same again and again."""

import ast
from collections.abc import Iterator

import libcst as cst

from services.agents.types.performance.rewrite import TOOL, Rewrite
from services.agents.types.performance.rewritten import RewrittenFile
from shared.agent_types import FixBehaviour, FixerDeclaration
from shared.behaviour.conditions.caching import impurity, reason_against_cache, repeated_calls
from shared.behaviour.tree import SyntaxTree
from shared.contracts.base import Severity
from shared.detectors.findings import rule_id
from shared.detectors.rewrites import Match


class CachedFormula(Rewrite):
    """A function of a module that only computes, and branches by calling itself, is cached."""

    declaration = FixerDeclaration(
        rule=rule_id(TOOL, "PRF701"),
        phrase="cache functions that compute the same again",
        severity=Severity.WARNING,
        commit_type="perf",
        saves=0.5,
        behaviour=FixBehaviour(
            "the memory that is kept, how deep calls may go, and what happens to arguments that "
            "cannot be hashed or are equal to others of another type",
            ("caching.cached-formula",),
        ),
    )
    reason = (
        "Each call makes several others of the same function, so that their number grows "
        "exponentially; with a cache each argument is computed once."
    )
    oldest_python = (3, 9)

    def find(self, tree: SyntaxTree) -> Iterator[Match]:
        """Yield the functions at the top level that branch by calling themselves."""
        code = tree.code
        if code.bindings["cache"] and code.imports.get("cache") != "functools.cache":
            return
        for each in code.tree.body:
            if not isinstance(each, ast.FunctionDef) or not repeated_calls(each, tree):
                continue
            if not impurity(each, tree):
                shown = not reason_against_cache(each, tree)
                message = f"`{each.name}` computes the same again and again."
                yield Match(each, message, "safe" if shown else "unsafe")

    def rewrite(self, file: RewrittenFile, match: Match) -> bool:
        """Decorate the function with `functools.cache`."""
        assert isinstance(match.node, ast.FunctionDef)
        name = match.node.name
        for each in file.module.body:
            if isinstance(each, cst.FunctionDef) and each.name.value == name:
                file.replace(each, _decorated)
                file.add_import("functools", "cache")
                return True
        return False


def _decorated(function: cst.FunctionDef) -> cst.FunctionDef:
    """Return a function with the decorator."""
    return function.with_changes(decorators=[cst.Decorator(cst.Name("cache"))])
