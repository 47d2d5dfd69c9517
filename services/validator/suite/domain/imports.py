"""Finds which files of a tree import which, from their sources alone.

The graph may have edges too many, but must not miss one. A module is found by the end of its path,
since the roots of the tree's packages are unknown. Importing it also runs the `__init__` files of
its packages, and a test also loads the conftest files above it. A string that reads like the dotted
name of a module counts as an import of it.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from services.validator.suite.domain.sources import parse_python

DOTTED_NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
SIMPLE_NAME = re.compile(r"[A-Za-z_]\w*")
IMPORT_FUNCTIONS = {"import_module", "__import__", "importorskip"}
INIT = "__init__"


def import_graph(files: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Return the paths that each Python file of a tree imports, from the files' texts by path."""
    index = _ModuleIndex(files)
    graph = {}
    for path, text in files.items():
        nodes = list(ast.walk(parse_python(text) or ast.Module([], [])))
        imported = {each for name in _absolute_names(nodes) for each in index.find_by_name(name)}
        imported |= {each for stem in _relative_stems(path, nodes) for each in index.find_at(stem)}
        for each in (path, *imported):
            imported |= index.package_inits(each)
        imported |= index.conftests(path)
        graph[path] = tuple(sorted(imported - {path}))
    return graph


class _ModuleIndex:
    """The files of a tree by every dotted name under which they may be imported."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files
        self.names: dict[str, set[str]] = defaultdict(set)
        for path in files:
            parts = _module_parts(path)
            for start in range(len(parts)):
                if parts[:start] and self._is_package(parts[:start]):
                    break
                self.names[".".join(parts[start:])].add(path)

    def _is_package(self, folder: tuple[str, ...]) -> bool:
        """Return whether a folder, given as its parts, has an `__init__` file."""
        return "/".join((*folder, f"{INIT}.py")) in self.files

    def find_by_name(self, name: str) -> set[str]:
        """Return the files that `import name` may load; the end of `name` may be an attribute."""
        parts = name.split(".")
        for length in range(len(parts), 0, -1):
            if found := self.names.get(".".join(parts[:length])):
                return found
        return set()

    def find_at(self, stem: str) -> set[str]:
        """Return the module or package at a path without its suffix."""
        return {each for each in (f"{stem}.py", f"{stem}/{INIT}.py") if each in self.files}

    def package_inits(self, path: str) -> set[str]:
        """Return the `__init__` files of the packages that a module is in."""
        return self._find_in_parents(path, f"{INIT}.py")

    def conftests(self, path: str) -> set[str]:
        """Return the conftest files that pytest loads before it runs a test of a file."""
        return self._find_in_parents(path, "conftest.py")

    def _find_in_parents(self, path: str, name: str) -> set[str]:
        """Return the files of this name in the folders above a path."""
        candidates = (str(folder / name) for folder in PurePosixPath(path).parents)
        return {each for each in candidates if each in self.files}


def _module_parts(path: str) -> tuple[str, ...]:
    """Return the parts of a module's dotted name by its path; `__init__` stands for its package."""
    parts = PurePosixPath(path).with_suffix("").parts
    return parts[:-1] if parts[-1] == INIT else parts


def _absolute_names(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the dotted names that a source imports, or may import dynamically."""
    for node in nodes:
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield module
                yield from (f"{module}.{each.name}" for each in names)
            case ast.Call(args=[ast.Constant(value=str(name)), *_], func=function):
                called = getattr(function, "attr", getattr(function, "id", ""))
                if called in IMPORT_FUNCTIONS and SIMPLE_NAME.fullmatch(name):
                    yield name
            case ast.Constant(value=str(name)) if DOTTED_NAME.fullmatch(name):
                yield name


def _relative_stems(path: str, nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Yield the targets of the relative imports of a file, as paths without suffix."""
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = PurePosixPath(path)
            for _ in range(node.level):
                folder = folder.parent
            base = folder.joinpath(*(node.module or "").split(".")) if node.module else folder
            yield str(base)
            yield from (str(base / each.name) for each in node.names)
