"""The Python modules of a target that import each other, found without running any."""

import ast
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping

from shared.kernel.syntax import parse
from shared.targets.languages import PYTHON
from shared.targets.tree import Tree

INITIALISER = "__init__.py"


def import_clusters(tree: Tree, files: Collection[str]) -> tuple[tuple[str, ...], ...]:
    """Return the files in groups: modules that import each other, directly or not, are in one.

    Every other file is a group of its own. Packages' `__init__.py` files do not count: they import
    what they offer, so that almost any package would be one group.
    """
    modules = {
        _module_name(path, files): path
        for path in sorted(files)
        if PYTHON.has_suffix(path) and not path.endswith(INITIALISER)
    }
    imports = {
        path: {modules[each] for each in _imported(tree, path, name) if each in modules} - {path}
        for name, path in modules.items()
    }
    leaders = _leaders(imports)
    groups: dict[str, list[str]] = defaultdict(list)
    for path in sorted(files):
        groups[leaders.get(path, path)].append(path)
    return tuple(sorted(tuple(each) for each in groups.values()))


def _module_name(path: str, files: Collection[str]) -> str:
    """Return the dotted name of a module: below the outermost package that it is in."""
    parts = PYTHON.without_suffix(path).split("/")
    start = len(parts) - 1
    while start and f"{'/'.join(parts[:start])}/{INITIALISER}" in files:
        start -= 1
    return ".".join(parts[start:])


def _imported(tree: Tree, path: str, name: str) -> Iterator[str]:
    """Yield the names that a module imports, with each of their prefixes; none if it is invalid."""
    try:
        module = parse(tree.read(path) or b"")
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            for each in node.names:
                yield from _prefixes(each.name)
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(name.split(".")[: -node.level]) if node.level else ""
            origin = ".".join(filter(None, (package, node.module)))
            yield from _prefixes(origin)
            yield from (f"{origin}.{each.name}" for each in node.names)


def _prefixes(name: str) -> Iterator[str]:
    """Yield a dotted name and the names of the packages around it."""
    while name:
        yield name
        name = name.rpartition(".")[0]


def _leaders(imports: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Return, for each module, the first of those with which it is in a cycle of imports.

    These are the strongly connected components of the graph, by Kosaraju's algorithm.
    """
    importers: dict[str, list[str]] = {each: [] for each in imports}
    for path, others in imports.items():
        for each in sorted(others):
            importers[each].append(path)
    seen: set[str] = set()
    finished = [each for path in imports for each in _visit(path, imports, seen)]
    seen = set()
    leaders: dict[str, str] = {}
    for path in reversed(finished):
        cycle = list(_visit(path, importers, seen))
        leaders |= dict.fromkeys(cycle, min(cycle, default=path))
    return leaders


def _visit(start: str, edges: Mapping[str, Collection[str]], seen: set[str]) -> Iterator[str]:
    """Yield what can be reached from `start` and was not `seen`, each after what follows it."""
    pending: list[tuple[str, Iterator[str]]] = [("", iter([start]))]
    while pending:
        node, rest = pending[-1]
        following = next((each for each in rest if each not in seen), None)
        if following is not None:
            seen.add(following)
            pending.append((following, iter(sorted(edges[following]))))
        else:
            pending.pop()
            if node:
                yield node
