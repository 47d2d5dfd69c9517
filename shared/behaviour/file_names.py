"""What one Python file takes from others, read without running it."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from shared.kernel.syntax import parse

MAX_CACHED_FILES = 20_000
DOTTED = re.compile(r"[A-Za-z_][\w]*(?:[.:][A-Za-z_]\w*)*")
MAX_STRING_CHARACTERS = 5_000


@dataclass(frozen=True)
class FileNames:
    """The names that a file mentions.

    `imported` are (module, name) pairs of `from module import name`, `modules` everything that it
    imports as a module, both as absolute dotted names. `aliases` are (name, dotted origin) pairs
    of what it imports, `attributes` pairs of the last name before a dot and the one behind it.
    `words` are names, dotted or not, within its string literals, and `bound` those that imports
    bind.
    """

    imported: frozenset[tuple[str, str]] = frozenset()
    modules: frozenset[str] = frozenset()
    aliases: frozenset[tuple[str, str]] = frozenset()
    attributes: frozenset[tuple[str, str]] = frozenset()
    words: frozenset[str] = frozenset()
    bound: frozenset[str] = frozenset()


@lru_cache(maxsize=MAX_CACHED_FILES)
def read_names(path: str, content: bytes) -> FileNames:
    """Return the names that a file mentions; every word of it where it cannot be parsed."""
    try:
        tree = parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return FileNames(words=frozenset(DOTTED.findall(content.decode(errors="replace"))))
    nodes = list(ast.walk(tree))
    imports = [each for node in nodes for each in _imports(node, path)]
    return FileNames(
        frozenset((module, name) for module, name, _ in imports if name),
        frozenset(module for module, _, _ in imports),
        frozenset((alias, f"{m}.{n}" if n else m) for m, n, alias in imports if alias),
        frozenset(_attributes(nodes)),
        frozenset(_words(nodes)),
        frozenset(alias.partition(".")[0] for _, _, alias in imports),
    )


def absolute(module: str, level: int, path: str) -> str:
    """Return the dotted name that an import in the file `path` means, from the root."""
    if not level:
        return module
    package = path.split("/")[:-1]
    above = package[: len(package) - (level - 1)]
    return ".".join([*above, *([module] if module else [])])


def _imports(node: ast.AST, path: str) -> Iterator[tuple[str, str, str]]:
    """Yield (module, name, alias) of an import statement; no name where a module is imported."""
    if isinstance(node, ast.Import):
        for each in node.names:
            yield each.name, "", each.asname or each.name.rpartition(".")[2]
    elif isinstance(node, ast.ImportFrom):
        module = absolute(node.module or "", node.level, path)
        for each in node.names:
            yield module, each.name, each.asname or each.name


def _attributes(nodes: list[ast.AST]) -> Iterator[tuple[str, str]]:
    """Yield each attribute with the last name before its dot; empty where that is none."""
    for node in nodes:
        if isinstance(node, ast.Attribute):
            base = node.value
            if isinstance(base, ast.Name):
                yield base.id, node.attr
            elif isinstance(base, ast.Attribute):
                yield base.attr, node.attr
            else:
                yield "", node.attr


def _words(nodes: list[ast.AST]) -> Iterator[str]:
    """Yield the names, dotted or not, in string literals (the first 5,000 characters of each)."""
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield from DOTTED.findall(node.value[:MAX_STRING_CHARACTERS])
