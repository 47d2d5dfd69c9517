"""Places where two versions of a file differ, as conditions look at them."""

import ast
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from shared.behaviour.code import FUNCTIONS, SCOPES, Function, ParsedFile, binds_directly
from shared.behaviour.names import NamesTaken

# Where only the truth of an expression is asked.
ASKS_FOR_TRUTH = (ast.If, ast.While, ast.IfExp, ast.Assert)


@dataclass(frozen=True)
class Place:
    """An edit: the nodes before and after it, and what is around it in both files.

    `before` and `after` are one expression each, or statements of one block. `around` are the
    nodes around them, the modules first, each as it was and as it is. `taken` are the names that
    the rest of the repository takes from modules, and `oldest_python` is the oldest version that
    the target supports, if it says so.
    """

    code: ParsedFile
    new_code: ParsedFile
    before: Sequence[ast.AST]
    after: Sequence[ast.AST]
    around: tuple[tuple[ast.AST, ast.AST], ...]
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
    def parents(self) -> tuple[ast.AST, ...]:
        """The nodes around the edit in the old file, the module first."""
        return tuple(old for old, _ in self.around)

    @property
    def parent(self) -> ast.AST:
        """The node that directly contains the edit."""
        return self.around[-1][0]

    @property
    def function(self) -> Function | None:
        """The innermost function in whose body the edit is; None in a module or class body."""
        return _innermost_function(self.parents, next(iter(self.before), None))

    @property
    def new_function(self) -> Function | None:
        """The function of the new file that took the place of `function`."""
        parents = tuple(new for _, new in self.around)
        return _innermost_function(parents, next(iter(self.after), None))

    def is_builtin(self, name: str) -> bool:
        """Return whether a name means Python's own builtin everywhere in both files."""
        return self.code.is_builtin(name) and self.new_code.is_builtin(name)

    def surely_bound(self, name: str) -> bool:
        """Return whether reading a name at the edit cannot fail.

        It is a builtin, a parameter, or bound by a statement at the top level before the edit, and
        nothing in the file binds it otherwise or unbinds it.
        """
        if self.is_builtin(name):
            return True
        if self.code.bindings[name] != 1 or self.code.binds_any_name:
            return False
        if isinstance(self.function, FUNCTIONS) and name in {
            each.arg for each in ast.walk(self.function.args) if isinstance(each, ast.arg)
        }:
            return True
        line = getattr(next(iter(self.before), None), "lineno", 0)
        return any(
            binds_directly(each, name) and (each.end_lineno or 0) < line
            for each in self.code.tree.body
        )

    def may_be_rebound(self, names: AbstractSet[str]) -> bool:
        """Return whether calling something may bind one of these names anew."""
        declaring = ast.Global | ast.Nonlocal
        declared = (n for n in ast.walk(self.code.tree) if isinstance(n, declaring))
        return any(names & {*each.names} for each in declared) or (
            bool(names) and self.code.binds_any_name
        )

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
        """Return the first 60 characters of a node as code, for people."""
        return f"`{ast.unparse(node)[:60]}`"


def _innermost_function(parents: tuple[ast.AST, ...], inside: ast.AST | None) -> Function | None:
    """Return the innermost of `parents` in whose body `inside` is; None if that is no function.

    Defaults, decorators and bases are evaluated outside of what they belong to.
    """
    for each in reversed(parents):
        if isinstance(each, SCOPES) and (inside is None or _is_in_body(inside, each.body)):
            return None if isinstance(each, ast.ClassDef) else each
        inside = each
    return None


def _is_in_body(node: ast.AST, body: Sequence[ast.AST] | ast.AST) -> bool:
    """Return whether a node is the body of a function, or a statement of it."""
    return node is body if isinstance(body, ast.AST) else any(node is each for each in body)
