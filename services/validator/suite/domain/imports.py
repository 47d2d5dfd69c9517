"""Which files of a tree import which, from their sources alone.

More edges than there are are fine, one too few is not. A module is found by the end of its path, wherever
the tree's roots are; importing it also runs the `__init__` of its packages, and a test also the conftest files above it.
A string that reads like a module of the tree counts as an import of it.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from services.validator.suite.domain.sources import parse

DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")
NAME = re.compile(r"[A-Za-z_]\w*")
IMPORTERS = {"import_module", "__import__", "importorskip"}
INIT = "__init__"


def imports(files: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Paths by the path of who imports them; `files` are the texts of the Python files of a tree."""
    known = _Modules(files)
    found = {}
    for path, text in files.items():
        nodes = list(ast.walk(parse(text) or ast.Module([], [])))
        needed = {each for name in _named(nodes) for each in known.named(name)}
        needed |= {each for place in _relative(path, nodes) for each in known.at(place)}
        for each in (path, *needed):
            needed |= known.around(each)
        needed |= known.conftests(path)
        found[path] = tuple(sorted(needed - {path}))
    return found


class _Modules:
    """The files by what they can be imported as."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.files = files
        self.names: dict[str, set[str]] = defaultdict(set)
        for path in files:
            parts = _parts(path)
            for start in range(len(parts)):
                if parts[:start] and self._in_package(parts[:start]):
                    break
                self.names[".".join(parts[start:])].add(path)

    def _in_package(self, folder: tuple[str, ...]) -> bool:
        return "/".join((*folder, f"{INIT}.py")) in self.files

    def named(self, name: str) -> set[str]:
        """What `import name` may load, or that of which `name` is a part."""
        parts = name.split(".")
        for length in range(len(parts), 0, -1):
            if found := self.names.get(".".join(parts[:length])):
                return found
        return set()

    def at(self, place: str) -> set[str]:
        """The module or package at a path without its ending."""
        return {each for each in (f"{place}.py", f"{place}/{INIT}.py") if each in self.files}

    def around(self, path: str) -> set[str]:
        """The `__init__` files of the packages that a module is in."""
        return {
            name
            for folder in PurePosixPath(path).parents
            if (name := str(folder / f"{INIT}.py")) in self.files
        }

    def conftests(self, path: str) -> set[str]:
        """What pytest loads before a test in that file."""
        names = (str(folder / "conftest.py") for folder in PurePosixPath(path).parents)
        return {name for name in names if name in self.files}


def _parts(path: str) -> tuple[str, ...]:
    parts = PurePosixPath(path).with_suffix("").parts
    return parts[:-1] if parts[-1] == INIT else parts


def _named(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        match node:
            case ast.Import(names=names):
                yield from (each.name for each in names)
            case ast.ImportFrom(module=str(module), names=names, level=0):
                yield module
                yield from (f"{module}.{each.name}" for each in names)
            case ast.Call(args=[ast.Constant(value=str(name)), *_], func=function):
                called = getattr(function, "attr", getattr(function, "id", ""))
                if called in IMPORTERS and NAME.fullmatch(name):
                    yield name
            case ast.Constant(value=str(name)) if DOTTED.fullmatch(name):
                yield name


def _relative(path: str, nodes: Iterable[ast.AST]) -> Iterator[str]:
    """What relative imports name, as paths without their endings."""
    for node in nodes:
        if isinstance(node, ast.ImportFrom) and node.level:
            folder = PurePosixPath(path)
            for _ in range(node.level):
                folder = folder.parent
            base = folder.joinpath(*(node.module or "").split(".")) if node.module else folder
            yield str(base)
            yield from (str(base / each.name) for each in node.names)
