"""A Python file as the rules look at it: its syntax tree, what names mean, and places in text."""

import ast
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import Any

from shared.behaviour.code import BUILTINS, ParsedFile, imported_names
from shared.detectors.texts import Edit, split_lines

MAX_REMEMBERED_FILES = 64
Place = tuple[int, int]


class PythonCode:
    """A parsed file. Raises SyntaxError or ValueError where it cannot be parsed."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._file = ParsedFile("", text)
        self.tree = self._file.tree
        self._lines = split_lines(text)

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """The node around each node."""
        return {c: p for p in ast.walk(self.tree) for c in ast.iter_child_nodes(p)}

    @cached_property
    def _nodes(self) -> list[ast.AST]:
        """The nodes that have a place, the outer ones before the inner ones."""
        return [each for each in ast.walk(self.tree) if hasattr(each, "lineno")]

    @cached_property
    def _imports(self) -> dict[str, set[str]]:
        """The dotted origins that imports anywhere in the file give to each name."""
        found: dict[str, set[str]] = {}
        for node in self._nodes:
            for name, origin in imported_names(node):
                found.setdefault(name, set()).add(origin)
        return found

    @cached_property
    def _import_count(self) -> dict[str, int]:
        """How many imports bind each name."""
        names = [name for node in self._nodes for name, _ in imported_names(node)]
        return {name: names.count(name) for name in set(names)}

    def span(self, node: ast.AST) -> tuple[Place, Place]:
        """Return where a node begins and ends, as rows and columns counted from 1."""
        placed: Any = node
        return (
            (placed.lineno, self._column(placed.lineno, placed.col_offset)),
            (placed.end_lineno, self._column(placed.end_lineno, placed.end_col_offset)),
        )

    def _column(self, row: int, offset: int) -> int:
        """Return the column, counted from 1 in characters, of an offset in bytes."""
        line = self._lines[row - 1] if row <= len(self._lines) else ""
        if line.isascii():
            return offset + 1
        return len(line.encode()[:offset].decode(errors="replace")) + 1

    def segment(self, node: ast.AST) -> str:
        """Return the text of a node."""
        (first, start), (last, end) = self.span(node)
        rows = self._lines[first - 1 : last]
        rows[-1] = rows[-1][: end - 1]
        return "".join(rows)[start - 1 :]

    def edit(self, node: ast.AST, content: str) -> Edit:
        """Return the edit that replaces a node."""
        return Edit(*self.span(node), content)

    def line(self, row: int) -> str:
        """Return a line with its line end; empty past the end."""
        return self._lines[row - 1] if 0 < row <= len(self._lines) else ""

    def around(self, place: Place) -> list[ast.AST]:
        """Return the nodes that contain a place, the innermost first."""
        found: list[ast.AST] = []
        node: ast.AST | None = self.tree
        while node is not None:
            node = next((e for e in _placed_children(node) if self._contains(e, place)), None)
            found += [node] if node is not None else []
        return found[::-1]

    def _contains(self, node: ast.AST, place: Place) -> bool:
        """Return whether a place is in a node, or in a decorator of it."""
        decorators = getattr(node, "decorator_list", [])
        if not decorators and not (node.lineno <= place[0] <= (node.end_lineno or 0)):  # type: ignore[attr-defined]
            return False
        start = min([self.span(node)[0], *(self.span(each)[0] for each in decorators)])
        return start <= place < self.span(node)[1]

    def above(self, node: ast.AST) -> Iterator[ast.AST]:
        """Yield the nodes around a node, the innermost first."""
        while (parent := self.parents.get(node)) is not None:
            yield (node := parent)

    def function_around(self, node: ast.AST) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
        """Return the innermost function that a node is in; None in none."""
        kinds = ast.FunctionDef | ast.AsyncFunctionDef
        return next((each for each in self.above(node) if isinstance(each, kinds)), None)

    def scope_of(self, node: ast.AST) -> ast.AST:
        """Return the innermost function that a node is in, or the module."""
        return self.function_around(node) or self.tree

    def origin(self, node: ast.AST) -> str:
        """Return the dotted origin of a name or attribute by the imports of the file; else empty.

        A name counts if imports alone bind it, all of them to the same thing. That of a builtin
        begins with `builtins.`.
        """
        if isinstance(node, ast.Attribute):
            base = self.origin(node.value)
            return f"{base}.{node.attr}" if base else ""
        if not isinstance(node, ast.Name):
            return ""
        origins = self._imports.get(node.id, set())
        if not origins:
            return f"builtins.{node.id}" if self._is_builtin(node.id) else ""
        only_imports = self._file.bindings[node.id] == self._import_count[node.id]
        return next(iter(origins)) if len(origins) == 1 and only_imports else ""

    def _is_builtin(self, name: str) -> bool:
        """Return whether a name is a builtin that nothing in the file binds."""
        bound = self._file.bindings[name] or self._file.has_star_import
        return name in BUILTINS and not bound

    def is_free(self, name: str) -> bool:
        """Return whether nothing in the file binds or reads a name."""
        names = (each.id for each in self._nodes if isinstance(each, ast.Name))
        star = self._file.has_star_import
        return not star and not self._file.bindings[name] and name not in names

    def module_name(self, module: str) -> str:
        """Return how a module can be written: its alias, or its own name; empty if it is taken."""
        for name, origins in self._imports.items():
            at_top = name in dict(n for node in self.tree.body for n in imported_names(node))
            if origins == {module} and at_top and self.origin(ast.Name(name)) == module:
                return name
        root = module.partition(".")[0]
        if self.is_free(root) or (root != module and self._imports.get(root) == {root}):
            return module
        return ""


def _placed_children(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the children of a node that have a place, also those of children without one."""
    for each in ast.iter_child_nodes(node):
        if hasattr(each, "lineno"):
            yield each
        else:
            yield from _placed_children(each)


@lru_cache(maxsize=MAX_REMEMBERED_FILES)
def python_code(text: str) -> PythonCode | None:
    """Return a parsed file, from a cache; None where it cannot be parsed."""
    try:
        return PythonCode(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def keyword_of(call: ast.Call, name: str) -> ast.keyword | None:
    """Return the keyword of a call by its name; None if it is not given."""
    return next((each for each in call.keywords if each.arg == name), None)


def has_unpacking(call: ast.Call) -> bool:
    """Return whether a call passes arguments that are not spelled, by `*` or `**`."""
    starred = any(isinstance(each, ast.Starred) for each in call.args)
    return starred or any(each.arg is None for each in call.keywords)


def is_constant(node: ast.AST | None, value: object) -> bool:
    """Return whether a node is the constant `value`, and of its type."""
    return (
        isinstance(node, ast.Constant)
        and type(node.value) is type(value)
        and bool(node.value == value)
    )


def text_of(node: ast.AST | None) -> str | None:
    """Return the value of a text literal; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return None
