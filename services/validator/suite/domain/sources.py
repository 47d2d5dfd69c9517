"""A Python source as functions and the rest: what a change of it touches.

A function is one at the top of a module or in a class; functions inside it, lambdas and
comprehensions are parts of it. The rest is what runs when the module is imported: decorators, defaults and
annotations of functions too. Line numbers, layout and comments are no difference.
"""

import ast
import builtins
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from shared.kernel import syntax

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
HOLDERS = (ast.stmt, ast.excepthandler, ast.match_case)
# A result that is kept is reached by the first test that asks for it only.
KEEPING = re.compile(r"cache|memo|lazy|once|singleton", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Function:
    """`name` is qualified by its classes, the second of a name ends in #2. Lines count from 1, decorators belong to it."""

    name: str
    node: FunctionNode

    @property
    def first(self) -> int:
        return min([self.node.lineno, *(each.lineno for each in self.node.decorator_list)])

    @property
    def last(self) -> int:
        return self.node.end_lineno or self.node.lineno

    @cached_property
    def body(self) -> str:
        """What it does, as text; equal texts do the same."""
        return "\n".join(ast.dump(each) for each in self.node.body)

    @property
    def heard_elsewhere(self) -> bool:
        """Whether what it does shows where it does not run: its results are kept, or it is called by nobody in sight."""
        name = self.node.name
        kept = any(KEEPING.search(ast.dump(each)) for each in self.node.decorator_list)
        return kept or name in {"__del__", "__getattr__"} or name.startswith("pytest_")


@dataclass(frozen=True, eq=False)
class Source:
    """One file, parsed."""

    text: str
    functions: dict[str, Function]
    tree: ast.Module

    @cached_property
    def outline(self) -> list[tuple[str, str]]:
        """What runs at import, as (name of a function that is defined there, or "", text)."""
        return list(_outline(self.tree, {each.node: each.name for each in self.functions.values()}))

    @cached_property
    def words(self) -> frozenset[str]:
        """Every name in it."""
        return frozenset(re.findall(r"\w+", self.text))

    def only(self, name: str) -> Function | None:
        """The function of that name; None where several have it, which may count otherwise in another text."""
        several = "#" in name or f"{name}#2" in self.functions
        return None if several else self.functions.get(name)

    def at(self, line: int) -> Function | None:
        """The function that has this line; None for what runs at import."""
        return next((f for f in self.functions.values() if f.first <= line <= f.last), None)


@dataclass(frozen=True)
class Touched:
    """Qualified names of functions, as they are called before the change, and whether more than these is touched."""

    functions: frozenset[str] = frozenset()
    module: bool = False


def decoded(content: bytes) -> str:
    """The text of a source; what is no UTF-8 in it becomes something that stays different."""
    return content.decode(errors="surrogateescape")


def parse(text: str) -> ast.Module | None:
    """None where it is no Python that we know."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return syntax.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


# A tree takes fifty times the memory of its text.
@lru_cache(maxsize=64)
def read_source(text: str) -> Source | None:
    """None where it is no Python that we know."""
    tree = parse(text)
    if tree is None:
        return None
    functions: dict[str, Function] = {}
    for name, node in _functions(tree, ""):
        number = 1
        while (unique := name if number == 1 else f"{name}#{number}") in functions:
            number += 1
        functions[unique] = Function(unique, node)
    return Source(text, functions, tree)


def touched(before: Source, after: Source) -> Touched:
    """What differs. A function that is new, gone or elsewhere touches the module, but see `_harmless`."""
    if before.text == after.text:
        return Touched()
    both = before.functions.keys() & after.functions.keys()
    changed = frozenset(
        name for name in both if before.functions[name].body != after.functions[name].body
    )
    new = {name for name in after.functions.keys() - both if _harmless(name, before)}
    outline = [each for each in after.outline if each[0] not in new]
    heard = any(before.functions[name].heard_elsewhere for name in changed)
    plain = all(not after.functions[name].node.decorator_list for name in new)
    return Touched(changed, module=before.outline != outline or heard or not plain)


def _harmless(name: str, before: Source) -> bool:
    """Whether a new function of that name can be called by nothing but what is new as well.

    It is at the top of its module, and what was there before does not have that word.
    """
    simple = "." not in name and "#" not in name
    looked_for = name.startswith(("__", "test", "pytest_")) or hasattr(builtins, name)
    return simple and not looked_for and name not in before.words


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, FunctionNode]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, FunctionNode):
            yield prefix + child.name, child
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{prefix}{child.name}.")
        elif isinstance(child, HOLDERS):
            yield from _functions(child, prefix)


def _outline(node: ast.AST, names: dict[FunctionNode, str]) -> Iterator[tuple[str, str]]:
    """Depth first; what holds functions is its own head, its parts, and an end."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, FunctionNode):
            head = (*child.decorator_list, child.args, child.returns)
            generic = getattr(child, "type_params", ())
            said = [ast.dump(each) for each in (*head, *generic) if each is not None]
            yield names[child], f"{type(child).__name__} {child.name} {said}"
        elif isinstance(child, HOLDERS) and any(
            isinstance(each, FunctionNode) for each in ast.walk(child)
        ):
            yield "", f"{type(child).__name__} {getattr(child, 'name', '')}"
            yield from _outline(child, names)
            yield "", "end"
        else:
            yield "", ast.dump(child)
