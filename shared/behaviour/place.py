"""Places where two versions of a file differ, as conditions look at them."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from shared.behaviour.code import FUNCTIONS, Function, ParsedFile
from shared.behaviour.names import NamesTaken

# Where only the truth of an expression is asked.
ASKS_FOR_TRUTH = (ast.If, ast.While, ast.IfExp, ast.Assert)


@dataclass(frozen=True)
class Place:
    """An edit: the nodes before and after it, and what is around it in the old file.

    `before` and `after` are one expression each, or statements of one block. `parents` are the
    nodes around them, the module first. `taken` are the names that the rest of the repository
    takes from modules, and `oldest_python` is the oldest version that the target supports, if it
    says so.
    """

    code: ParsedFile
    before: Sequence[ast.AST]
    after: Sequence[ast.AST]
    parents: tuple[ast.AST, ...]
    taken: NamesTaken
    oldest_python: tuple[int, int] | None = None

    @property
    def old(self) -> ast.AST | None:
        """The node before the edit; None unless there is exactly one."""
        return self.before[0] if len(self.before) == 1 else None

    @property
    def new(self) -> ast.AST | None:
        """The node after the edit; None unless there is exactly one."""
        return self.after[0] if len(self.after) == 1 else None

    @property
    def parent(self) -> ast.AST:
        """The node that directly contains the edit."""
        return self.parents[-1]

    @property
    def function(self) -> Function | None:
        """The innermost function around the edit; None at module level or in a class body."""
        for each in reversed(self.parents):
            if isinstance(each, FUNCTIONS):
                return each
            if isinstance(each, ast.ClassDef):
                return None
        return None

    @property
    def in_class(self) -> bool:
        """True if it is inside a class, where names like `__x` are mangled."""
        return any(isinstance(each, ast.ClassDef) for each in self.parents)

    @property
    def only_its_truth_counts(self) -> bool:
        """True if the old expression is used as a condition only, as in `if` or `not`."""
        inner = self.old
        for outer in reversed(self.parents):
            if isinstance(outer, ASKS_FOR_TRUTH):
                return outer.test is inner
            if isinstance(outer, ast.comprehension):
                return inner in outer.ifs
            if isinstance(outer, ast.UnaryOp):
                return isinstance(outer.op, ast.Not)
            if not isinstance(outer, ast.BoolOp):
                return False
            inner = outer
        return False

    def supports(self, version: tuple[int, int]) -> bool:
        """Return whether the target says that it needs at least this Python."""
        return self.oldest_python is not None and self.oldest_python >= version

    def at(self, node: ast.AST) -> str:
        """Return a node as text, for people."""
        return f"`{ast.unparse(node)[:60]}`"
