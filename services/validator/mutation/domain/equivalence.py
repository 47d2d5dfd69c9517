"""Finds equivalent mutants: those that leave the program as it is, which no test could kill."""

import ast
from bisect import bisect_right

from services.validator.mutation.domain.mutants import NUMBER, SWITCH, Mutant
from services.validator.mutation.domain.source_code import FUNCTIONS, Code, Function, first_line
from services.validator.proof.comparison.code_objects import Key, code_key
from services.validator.proof.comparison.spellings import unify_spellings
from shared.kernel import syntax

SWITCHED = f"{SWITCH}({NUMBER})"
NOT_COMPARABLE = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)


class EquivalentMutants:
    """Compares the compiled function around a mutant with and without it.

    A function that is compiled alone reads the names of enclosing functions as global ones, in both
    cases. Only mutants in functions are compared; what is known of a function is kept.
    """

    def __init__(self) -> None:
        self._functions: dict[int, list[Function]] = {}
        self._keys: dict[tuple[int, int], Key] = {}

    def has(self, code: Code, mutant: Mutant) -> bool:
        """Return true if a mutant of a file is known to leave its program as it is."""
        if SWITCHED not in mutant.before:
            return False
        function = self._function_around(code, mutant)
        if function is None:
            return False
        start, end = _lines(code, function)
        before = mutant.before.replace(SWITCHED, "True").encode()
        parts = (
            code.text[start : mutant.start],
            before,
            code.text[mutant.start : mutant.end],
            mutant.after.encode(),
            code.text[mutant.end : end],
        )
        try:
            key = (id(code), start)
            if key not in self._keys:
                self._keys[key] = _key(code.text[start:end])
            return _key(b"".join(parts)) == self._keys[key]
        except NOT_COMPARABLE:
            return False

    def _function_around(self, code: Code, mutant: Mutant) -> Function | None:
        """Return the innermost function in whose body a mutant stands; None outside of any."""
        if id(code) not in self._functions:
            found = [each for each in ast.walk(code.tree) if isinstance(each, FUNCTIONS)]
            self._functions[id(code)] = found
        line = bisect_right(code.starts, mutant.start)
        around = [
            each
            for each in self._functions[id(code)]
            if first_line(each.body[0]) <= line <= (each.end_lineno or 0)
        ]
        return max(around, key=lambda each: each.lineno, default=None)


def _lines(code: Code, node: Function) -> tuple[int, int]:
    """Return the byte offsets at which the lines of a function begin and end."""
    return code.starts[first_line(node) - 1], code.starts[node.end_lineno or node.lineno]


def _key(text: bytes) -> Key:
    """Return the key of a function's code, its spellings unified. Raises what compiling raises."""
    indented = b"if 1:\n" + text if text[:1] in {b" ", b"\t"} else text
    tree = _WithMutant().visit(syntax.parse(indented))
    unified, _ = unify_spellings(tree)
    return code_key(syntax.compile_tree(unified))


class _WithMutant(ast.NodeTransformer):
    """Puts a mutant in the place of what it replaces."""

    def visit_IfExp(self, node: ast.IfExp) -> ast.AST:
        """Return the mutant's expression in place of `M if True else E`, else the node."""
        self.generic_visit(node)
        return node.body if _is_true(node.test) else node

    def visit_If(self, node: ast.If) -> ast.AST:
        """Return `pass` in place of a statement that the mutant leaves out, else the node."""
        self.generic_visit(node)
        is_left_out = isinstance(node.test, ast.UnaryOp) and _is_true(node.test.operand)
        return ast.copy_location(ast.Pass(), node) if is_left_out else node


def _is_true(node: ast.expr) -> bool:
    """Return true for the constant True, which stands for a switched-on mutant."""
    return isinstance(node, ast.Constant) and node.value is True
