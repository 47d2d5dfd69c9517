"""The syntax tree of a file, walked once: its nodes by type, and what is around each of them."""

import ast
from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import TypeVar

from shared.behaviour.code import FUNCTIONS, Function, ParsedFile, mentions
from shared.behaviour.evidence import evident_type

N = TypeVar("N", bound=ast.AST)
READS_LOCALS = frozenset({"locals", "vars", "dir", "eval", "exec"})
READS_FRAMES = frozenset({"_getframe", "currentframe", "f_locals", "getinnerframes", "stack"})
LOOPS = (ast.For, ast.AsyncFor, ast.While)
# What looks at a file in several ways does so before the next file.
MAX_REMEMBERED_FILES = 8


class SyntaxTree:
    """One parsed file. Raises what `ParsedFile.tree` raises."""

    def __init__(self, code: ParsedFile) -> None:
        self.code = code
        self._by_type: dict[type[ast.AST], list[ast.AST]] = defaultdict(list)
        self._parents: dict[ast.AST, ast.AST] = {}
        for node in ast.walk(code.tree):
            self._by_type[type(node)].append(node)
            for child in ast.iter_child_nodes(node):
                self._parents[child] = node

    def all(self, kind: type[N]) -> list[N]:
        """Return all nodes of one type, in the order of the text as far as they have a line."""
        found = self._by_type[kind]
        return sorted(found, key=lambda n: (getattr(n, "lineno", 0), getattr(n, "col_offset", 0)))  # type: ignore[arg-type]

    @cached_property
    def names(self) -> dict[str, list[ast.Name]]:
        """Every node that reads, binds or deletes a variable, by the variable's name."""
        found: dict[str, list[ast.Name]] = defaultdict(list)
        for each in self.all(ast.Name):
            found[each.id].append(each)
        return found

    def parent(self, node: ast.AST) -> ast.AST | None:
        """Return the node that directly contains another one; None for the module."""
        return self._parents.get(node)

    def around(self, node: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
        """Yield each node around another one with its child on the way, the innermost first."""
        while (outer := self._parents.get(node)) is not None:
            yield outer, node
            node = outer

    def function(self, node: ast.AST) -> Function | None:
        """Return the innermost function in whose body a node is; None in a module or class body."""
        for outer, inner in self.around(node):
            if isinstance(outer, ast.ClassDef) and inner in outer.body:
                return None
            if isinstance(outer, FUNCTIONS) and _is_body(inner, outer):
                return outer
        return None

    def loops(self, node: ast.AST) -> list[ast.AST]:
        """Return the loops and comprehensions that evaluate a node again and again, inner first.

        Those outside of its function do not count.
        """
        found = []
        for outer, inner in self.around(node):
            if isinstance(outer, FUNCTIONS) and _is_body(inner, outer):
                break
            if _repeats(outer, inner):
                found.append(outer)
        return found

    def reads_locals(self, function: Function) -> bool:
        """Return whether something may read variables of a function that it does not spell.

        `locals`, `eval` and the like see those of the function that calls them, and frames those of
        any function.
        """
        if any(mentions(self.code.tree, READS_FRAMES)):
            return True
        for node in mentions(self.code.tree, READS_LOCALS):
            called = self._parents.get(node)
            direct = isinstance(called, ast.Call) and called.func is node
            if not direct or any(outer is function for outer, _ in self.around(node)):
                return True
        return False

    def type_of(self, node: ast.AST) -> str:
        """Return the builtin type that an expression certainly has; empty if it is not evident."""
        return evident_type(node, self.code, self.function(node))


@lru_cache(maxsize=MAX_REMEMBERED_FILES)
def tree_of(path: str, text: str) -> SyntaxTree:
    """Return the tree of a file, from a cache. Raises SyntaxError or ValueError."""
    return SyntaxTree(ParsedFile(path, text))


def _is_body(node: ast.AST, function: Function) -> bool:
    """Return whether a child of a function is its body, or a statement of it."""
    return node is function.body if isinstance(function, ast.Lambda) else node in function.body


def _repeats(outer: ast.AST, inner: ast.AST) -> bool:
    """Return whether `outer` is a loop that evaluates its child `inner` in each of its rounds."""
    if isinstance(outer, ast.For | ast.AsyncFor):
        return inner in outer.body
    if isinstance(outer, ast.While):
        return inner is outer.test or inner in outer.body
    if isinstance(outer, ast.comprehension):
        return inner in outer.ifs
    comprehensions = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
    if isinstance(outer, comprehensions):
        # The first iterable is evaluated once; the others in each round of those before them.
        return inner is not outer.generators[0]
    return False


@lru_cache(maxsize=MAX_REMEMBERED_FILES)
def tree_around(code: ParsedFile) -> SyntaxTree:
    """Return the tree of a file that is parsed already; its nodes are those of `code`."""
    return SyntaxTree(code)
