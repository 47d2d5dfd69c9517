"""Equivalent spellings of a program, each reduced to one of them by a rewrite of its tree.

Both programs are rewritten and then compiled. A rewrite may therefore do anything to the layout of
the code, but nothing to what it does; the argument for each is in its docstring.
"""

from __future__ import annotations

import ast
from collections import Counter
from typing import TypeVar

from .returned_names import returned_directly

N = TypeVar("N", bound=ast.AST)
LEAVES = (ast.Return, ast.Raise, ast.Continue, ast.Break)
# These always give True or False: `is`, `in` and `not` convert the answer of what they ask.
EXACT = (ast.Is, ast.IsNot, ast.In, ast.NotIn)


def unify_spellings(tree: ast.Module) -> tuple[ast.Module, Counter[str]]:
    """Return a tree with one spelling for each equivalent one, and how often which was changed.

    The tree is changed. Raises RecursionError if it is nested too deeply.
    """
    unifier = _Unifier()
    return unifier.visit(tree), unifier.forms


class _Unifier(ast.NodeTransformer):
    """Rewrites from the inside to the outside, so that one rewrite enables the next."""

    def __init__(self) -> None:
        self.forms: Counter[str] = Counter()

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Rewrite what is inside a node, then its lists of statements."""
        super().generic_visit(node)
        for name in ("body", "orelse", "finalbody"):
            suite = getattr(node, name, None)
            if isinstance(suite, list) and suite:
                setattr(node, name, self._suite(suite))
        return node

    def _suite(self, suite: list[ast.stmt]) -> list[ast.stmt]:
        """Return a list of statements without idle ones, each in its unified spelling."""
        # Not the first one, behind which a text would become a docstring.
        idle = [each for each in suite[1:] if isinstance(each, ast.Pass)]
        self.forms["statements that do nothing"] += len(idle)
        suite = [each for each in suite if each not in idle]
        done: list[ast.stmt] = []
        # From the end, as what follows a statement decides how it can be spelled.
        for each in reversed(suite):
            done = self._before(each, done)
        return done

    def _before(self, node: ast.stmt, rest: list[ast.stmt]) -> list[ast.stmt]:
        """Return a statement in its unified spelling, followed by the rest."""
        if not isinstance(node, ast.If):
            return [node, *rest]
        if node.orelse and isinstance(node.body[-1], LEAVES):
            rest, node.orelse = self._suite([*node.orelse, *rest]), []
            self.forms["branches after one that leaves"] += 1
        if returned := self._returned_choice(node, rest):
            return [returned, *rest[1:]]
        if assigned := self._assigned_choice(node):
            return [assigned, *rest]
        return [self._joined(node), *rest]

    def _returned_choice(self, node: ast.If, rest: list[ast.stmt]) -> ast.stmt | None:
        """Spell `if c: return a` before `return b` as `return a if c else b`; None if it is other.

        Both evaluate `c`, then one of `a` and `b`, and return that.
        """
        first = node.body[0]
        if len(node.body) != 1 or node.orelse or not rest:
            return None
        if not isinstance(first, ast.Return) or not isinstance(rest[0], ast.Return):
            return None
        self.forms["choices"] += 1
        chosen = _at(node, ast.IfExp(node.test, _value(first), _value(rest[0])))
        return _at(node, ast.Return(self.visit_IfExp(chosen, visited=True)))

    def _assigned_choice(self, node: ast.If) -> ast.stmt | None:
        """Spell `if c: x = a` with `else: x = b` as `x = a if c else b`; None if it is other.

        Both evaluate `c`, then one of `a` and `b`, and then whatever the target `x` consists of.
        """
        if len(node.body) != 1 or len(node.orelse) != 1:
            return None
        one, other = node.body[0], node.orelse[0]
        if not isinstance(one, ast.Assign) or not isinstance(other, ast.Assign):
            return None
        if _dump(one.targets) != _dump(other.targets):
            return None
        self.forms["choices"] += 1
        chosen = _at(node, ast.IfExp(node.test, one.value, other.value))
        value = self.visit_IfExp(chosen, visited=True)
        return _at(node, ast.Assign(one.targets, value))

    def _joined(self, node: ast.If) -> ast.If:
        """Spell `if a: X` with `elif b: X` as `if a or b: X`; any other statement stays.

        Both evaluate `a`, only if that is false `b`, and do `X` if either is true.
        """
        nested = node.orelse[0] if len(node.orelse) == 1 else None
        if isinstance(nested, ast.If) and _dump(node.body) == _dump(nested.body):
            self.forms["branches that do the same"] += 1
            node.test = _at(node, ast.BoolOp(ast.Or(), [node.test, nested.test]))
            node.orelse = nested.orelse
        return node

    def visit_If(self, node: ast.If) -> ast.AST:
        """Spell `if not c: X` with `else: Y` as `if c: Y` with `else: X`."""
        self.generic_visit(node)
        node.test = self._condition(node.test)
        if node.orelse and isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not):
            self.forms["negated conditions"] += 1
            node.test, node.body, node.orelse = node.test.operand, node.orelse, node.body
        return node

    def visit_While(self, node: ast.While) -> ast.AST:
        """Simplify the condition of a loop, of which only the truth is asked."""
        self.generic_visit(node)
        node.test = self._condition(node.test)
        return node

    def visit_IfExp(self, node: ast.IfExp, *, visited: bool = False) -> ast.expr:
        """Spell `True if c else False` as `c` where `c` gives True or False and nothing else.

        `a if not c else b` becomes `b if c else a`.
        """
        if not visited:
            self.generic_visit(node)
        node.test = self._condition(node.test)
        if _is_truth_of(node) and _is_exact(node.test):
            self.forms["truth values"] += 1
            return node.test
        if isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not):
            self.forms["negated conditions"] += 1
            return _at(node, ast.IfExp(node.test.operand, node.orelse, node.body))
        return node

    def _condition(self, test: ast.expr) -> ast.expr:
        """Spell `True if c else False` as `c` where only the truth of it is asked.

        Either asks `c` for its truth once, and goes on by the answer.
        """
        if isinstance(test, ast.IfExp) and _is_truth_of(test):
            self.forms["truth values"] += 1
            return test.test
        return test

    def visit_Return(self, node: ast.Return) -> ast.AST:
        """Spell `return None` as `return`."""
        self.generic_visit(node)
        if node.value is not None and _is_constant(node.value, None):
            self.forms["returns of None"] += 1
            node.value = None
        return node

    def _visit_function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        """End every function with one `return`, and leave out names that are only returned.

        A function that comes to its end returns None.
        """
        if returned_directly(node):
            self.forms["values returned by way of a name"] += 1
        node.body = [*self._without_last_return(node.body), _at(node, ast.Return(None))]
        self.generic_visit(node)
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = _visit_function  # noqa: N815 - ast's names

    def _without_last_return(self, suite: list[ast.stmt]) -> list[ast.stmt]:
        """Leave out what returns None where the function ends anyway."""
        last = suite[-1] if suite else None
        if isinstance(last, ast.Return) and _is_constant(_value(last), None):
            self.forms["returns of None"] += 1
            return self._without_last_return(suite[:-1])
        if isinstance(last, ast.If):
            last.body = self._without_last_return(last.body) or [_at(last, ast.Pass())]
            last.orelse = self._without_last_return(last.orelse)
        return suite


def _at(place: ast.AST, node: N) -> N:
    """Return a new node, in the place of the one that it is made from."""
    return ast.copy_location(node, place)


def _value(node: ast.Return) -> ast.expr:
    """Return what a `return` statement returns: its expression, or the constant None."""
    return node.value if node.value is not None else _at(node, ast.Constant(None))


def _is_constant(node: ast.expr, value: bool | None) -> bool:
    """Return true if an expression is this very constant: True, False or None."""
    return isinstance(node, ast.Constant) and node.value is value


def _is_truth_of(node: ast.IfExp) -> bool:
    """Return true for `True if … else False`."""
    return _is_constant(node.body, True) and _is_constant(node.orelse, False)


def _is_exact(node: ast.expr) -> bool:
    """Return true if an expression gives True or False and nothing else."""
    if isinstance(node, ast.UnaryOp):
        return isinstance(node.op, ast.Not)
    return isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], EXACT)


def _dump(nodes: list[ast.stmt] | list[ast.expr]) -> list[str]:
    """Return texts that are equal for equal nodes, wherever they stand."""
    return [ast.dump(each) for each in nodes]
