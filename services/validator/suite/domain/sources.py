"""Splits a Python source into functions and the rest, and finds which of them a change touches.

A function is defined at the top of a module or in a class; functions inside it, lambdas and
comprehensions are parts of it. The rest is what runs when the module is imported, including the
decorators, defaults and annotations of functions. Line numbers, layout and comments are ignored.
"""

import ast
import builtins
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache

from shared.kernel import syntax
from shared.kernel.sections import parse_by_sections

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
# Nodes that may contain the definition of a function.
CONTAINERS = (ast.stmt, ast.excepthandler, ast.match_case)
CACHING_DECORATOR = re.compile(r"cache|memo|lazy|once|singleton", re.IGNORECASE)
# Python itself calls these, wherever an object is used.
IMPLICITLY_CALLED = {"__del__", "__getattr__"}


@dataclass(frozen=True, eq=False)
class Function:
    """A function of a source.

    `name` is qualified by its classes; the second function of a name ends in #2.
    """

    name: str
    node: FunctionNode

    @property
    def first(self) -> int:
        """The first line, counted from 1; decorators belong to the function."""
        return min([self.node.lineno, *(each.lineno for each in self.node.decorator_list)])

    @property
    def last(self) -> int:
        """The last line, counted from 1."""
        return self.node.end_lineno or self.node.lineno

    @cached_property
    def body(self) -> str:
        """A dump of the syntax of the body, which does not depend on its layout and comments."""
        return "\n".join(ast.dump(each) for each in self.node.body)

    @property
    def decorator_words(self) -> Iterator[str]:
        """The identifiers and texts in the decorators."""
        nodes = (node for each in self.node.decorator_list for node in ast.walk(each))
        values = (value for each in nodes for _, value in ast.iter_fields(each))
        return (each for each in values if isinstance(each, str))

    @property
    def has_unrecorded_dependents(self) -> bool:
        """True if a test can depend on the function without being recorded as reaching it.

        A cached result is reached only by the first test that asks for it, and some functions are
        called implicitly by Python or pytest.
        """
        name = self.node.name
        is_cached = any(map(CACHING_DECORATOR.search, self.decorator_words))
        return is_cached or name in IMPLICITLY_CALLED or name.startswith("pytest_")


@dataclass(frozen=True, eq=False)
class ParsedSource:
    """A Python file with its syntax tree, and its functions by name."""

    text: str
    functions: dict[str, Function]
    tree: ast.Module

    @cached_property
    def outline(self) -> list[tuple[str, str]]:
        """The code that runs at import, as pairs of the function it defines (or "") and a dump."""
        return list(_outline(self.tree, {each.node: each.name for each in self.functions.values()}))

    @cached_property
    def words(self) -> frozenset[str]:
        """Every word of the text, and so every identifier."""
        return frozenset(re.findall(r"\w+", self.text))

    def unique_function(self, name: str) -> Function | None:
        """Return the function of a name, or None if none or several have it.

        Of several, the numbers may differ in another version of the text.
        """
        is_ambiguous = "#" in name or f"{name}#2" in self.functions
        return None if is_ambiguous else self.functions.get(name)

    def function_at(self, line: int) -> Function | None:
        """Return the function that contains a line, or None for a line that runs at import."""
        return next((f for f in self.functions.values() if f.first <= line <= f.last), None)


@dataclass(frozen=True)
class SourceChange:
    """The difference between two versions of a source.

    `functions` are the names of the changed functions, as the version before has them; `module`
    is true if more than their bodies changed.
    """

    functions: frozenset[str] = frozenset()
    module: bool = False


def decode_source(content: bytes) -> str:
    """Decode a source as UTF-8; different invalid bytes stay different characters."""
    return content.decode(errors="surrogateescape")


def parse_python(text: str) -> ast.Module | None:
    """Parse a Python source; return None if it is not valid in our version of Python."""
    return _parsed(text, syntax.parse)


def _parsed(text: str, parse: Callable[[str], ast.Module]) -> ast.Module | None:
    """Return what `parse` makes of a text, without showing warnings; None if it is not valid."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


# A tree takes fifty times the memory of its text.
@lru_cache(maxsize=64)
def read_source(text: str) -> ParsedSource | None:
    """Parse a Python source and find its functions; return None if it is not valid Python.

    Other versions of the source share parts of its tree: nobody may change them.
    """
    tree = _parsed(text, parse_by_sections)
    if tree is None:
        return None
    functions: dict[str, Function] = {}
    for name, node in _functions(tree, ""):
        number = 1
        while (unique := name if number == 1 else f"{name}#{number}") in functions:
            number += 1
        functions[unique] = Function(unique, node)
    return ParsedSource(text, functions, tree)


def compare_sources(before: ParsedSource, after: ParsedSource) -> SourceChange:
    """Find what differs between two versions of a source.

    A function that was added, removed or moved changes the module, unless it was added in such a
    way that no existing code can call it. So does a changed one that is cached or called
    implicitly, and all in a source that is nested too deeply.
    """
    if before.text == after.text:
        return SourceChange()
    try:
        return _compare(before, after)
    except RecursionError:
        return SourceChange(module=True)


def _compare(before: ParsedSource, after: ParsedSource) -> SourceChange:
    """Find what differs between two different texts. Raises RecursionError."""
    both = before.functions.keys() & after.functions.keys()
    changed = frozenset(
        name for name in both if not _same_body(before.functions[name], after.functions[name])
    )
    added = {name for name in after.functions.keys() - both if _is_unused_before(name, before)}
    outline = [each for each in after.outline if each[0] not in added]
    is_wider = any(before.functions[name].has_unrecorded_dependents for name in changed)
    is_decorated = any(after.functions[name].node.decorator_list for name in added)
    return SourceChange(changed, module=before.outline != outline or is_wider or is_decorated)


def _same_body(before: Function, after: Function) -> bool:
    """Return whether two versions of a function have the same body. Raises RecursionError."""
    return before.node is after.node or before.body == after.body


def _is_unused_before(name: str, before: ParsedSource) -> bool:
    """Return whether only new code can call a new function of that name.

    It is at the top of its module, Python and pytest do not look for its name, and the
    version before does not contain the name.
    """
    is_simple = "." not in name and "#" not in name
    is_special = name.startswith(("__", "test", "pytest_")) or hasattr(builtins, name)
    return is_simple and not is_special and name not in before.words


def _functions(node: ast.AST, prefix: str) -> Iterator[tuple[str, FunctionNode]]:
    """Yield each function that is in no other function, with its name qualified by classes."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, FunctionNode):
            yield prefix + child.name, child
        elif isinstance(child, ast.ClassDef):
            yield from _functions(child, f"{prefix}{child.name}.")
        elif isinstance(child, CONTAINERS):
            yield from _functions(child, prefix)


def _outline(node: ast.AST, names: dict[FunctionNode, str]) -> Iterator[tuple[str, str]]:
    """Yield the outline depth first; a node with functions is its head, its parts and an end."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, FunctionNode):
            head = (*child.decorator_list, child.args, child.returns)
            generic = getattr(child, "type_params", ())
            dumps = [ast.dump(each) for each in (*head, *generic) if each is not None]
            yield names[child], f"{type(child).__name__} {child.name} {dumps}"
        elif isinstance(child, CONTAINERS) and any(
            isinstance(each, FunctionNode) for each in ast.walk(child)
        ):
            yield "", f"{type(child).__name__} {getattr(child, 'name', '')}"
            yield from _outline(child, names)
            yield "", "end"
        else:
            yield "", ast.dump(child)
