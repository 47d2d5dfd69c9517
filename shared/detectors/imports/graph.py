"""The graph of the imports between the modules of a target."""

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from shared.detectors.imports.facts import FileFacts, ImportPhase, ImportSite, read_facts
from shared.detectors.imports.modules import Modules
from shared.targets.tree import Tree

PYTHON = ".py"
CURRENT_FOLDER = "."


@dataclass(frozen=True)
class Edge:
    """One name that a file imports from another file of the target.

    `is_module` is true where what is bound is that module itself.
    """

    importer: str
    imported: str
    site: ImportSite
    is_module: bool


@dataclass(frozen=True)
class ImportGraph:
    """The files of a target that could be parsed, by path, with the imports between them."""

    modules: Modules
    facts: Mapping[str, FileFacts]

    @cached_property
    def edges(self) -> Mapping[str, tuple[Edge, ...]]:
        """What each file imports from other files of the target, in the order of its lines."""
        return {
            path: tuple(e for site in facts.imports for e in self._edges(path, site))
            for path, facts in self.facts.items()
        }

    @cached_property
    def importers(self) -> Mapping[str, tuple[Edge, ...]]:
        """The imports of each file by others, whenever they run."""
        found: dict[str, list[Edge]] = {path: [] for path in self.facts}
        for edges in self.edges.values():
            for each in edges:
                found.setdefault(each.imported, []).append(each)
        return {path: tuple(each) for path, each in found.items()}

    @cached_property
    def loaded(self) -> Mapping[str, frozenset[str]]:
        """The files that each file imports while it is loaded itself."""
        return {
            path: frozenset(e.imported for e in edges if e.site.when is ImportPhase.LOADING)
            for path, edges in self.edges.items()
        }

    @cached_property
    def cycles(self) -> tuple[frozenset[str], ...]:
        """The sets of two or more files that import each other while they are loaded."""
        return tuple(sorted(components(self.loaded), key=min))

    @cached_property
    def dotted_texts(self) -> frozenset[str]:
        """The dotted names that are texts in a file."""
        every = (each for facts in self.facts.values() for each in facts.mentioned)
        return frozenset(each for each in every if "." in each or ":" in each)

    def cycle_of(self, path: str) -> frozenset[str]:
        """Return the files that a file is in a cycle with, itself included; empty if it is not."""
        return next((each for each in self.cycles if path in each), frozenset())

    def origin(self, path: str, name: str) -> tuple[str, str] | None:
        """Return the file that defines a name which a file imports and passes on, and its name.

        Returns None where it is bound in another way as well, or imported with a condition.
        """
        facts, seen = self.facts.get(path), set[str]()
        while facts is not None and path not in seen:
            seen.add(path)
            if facts.definition(name) is not None:
                return path, name
            if facts.bindings.get(name) != 1 or name in facts.rebound:
                return None
            edges = [e for e in self.edges[path] if e.site.bound == name and e.site.is_plain]
            if len(edges) != 1 or edges[0].is_module or not edges[0].site.name:
                return None
            path, name = edges[0].imported, edges[0].site.name
            facts = self.facts.get(path)
        return None

    def _edges(self, path: str, site: ImportSite) -> Iterator[Edge]:
        """Yield the edge to the file of the target that an import leads to, if there is one."""
        module = self.modules.absolute(site.module, site.level, path)
        if module is None:
            return
        found = self.modules.find(module, path)
        if not site.name:
            if found is not None and found != path:
                yield Edge(path, found, site, is_module=True)
            return
        # What a package binds itself hides its submodule of the same name.
        binds = found is not None and self._binds(found, site.name)
        inner = None if binds else self.modules.find(f"{module}.{site.name}", path)
        target = inner or found
        if target is not None and target != path:
            yield Edge(path, target, site, is_module=inner is not None)

    def _binds(self, path: str, name: str) -> bool:
        """Return whether a file binds a name to something else than its submodule of that name."""
        facts = self.facts.get(path)
        if facts is None or name not in facts.bindings:
            return False
        package = self.modules.name(path)
        sites = [each for each in facts.imports if each.bound == name]
        return not sites or any(
            self.modules.absolute(e.module, e.level, path) != package or e.name != name
            for e in sites
        )


def read_graph(tree: Tree, roots: Sequence[str] = ("src",)) -> ImportGraph:
    """Return the import graph of a tree; files that cannot be parsed are left out.

    `roots` are folders on the path besides the tree's own.
    """
    roots = tuple("" if each == CURRENT_FOLDER else each for each in roots)
    paths = [path for path in tree.files() if path.endswith(PYTHON)]
    facts = {path: read_facts(tree.read(path) or b"") for path in paths}
    modules = Modules(tuple(paths), tuple(dict.fromkeys((*roots, ""))))
    return ImportGraph(modules, {path: each for path, each in facts.items() if each is not None})


def components(graph: Mapping[str, Collection[str]]) -> list[frozenset[str]]:
    """Return the strongly connected components of at least two nodes, by Kosaraju's algorithm."""
    backwards: dict[str, list[str]] = {}
    for node in sorted(graph):
        for other in graph[node]:
            backwards.setdefault(other, []).append(node)
    seen: set[str] = set()
    parts = (_after(backwards, node, seen) for node in reversed(_postorder(graph)))
    return [frozenset(part) for part in parts if len(part) > 1]


def _postorder(graph: Mapping[str, Collection[str]]) -> list[str]:
    """Return the nodes in the order in which a search in depth leaves them."""
    seen: set[str] = set()
    return [each for node in sorted(graph) for each in _after(graph, node, seen)]


def _after(graph: Mapping[str, Collection[str]], root: str, seen: set[str]) -> list[str]:
    """Return what a search in depth from a node reaches and has not seen, the last left last."""
    if root in seen:
        return []
    seen.add(root)
    left = []
    pending = [(root, iter(sorted(graph.get(root, ()))))]
    while pending:
        node, others = pending[-1]
        other = next((each for each in others if each not in seen), None)
        if other is None:
            left.append(node)
            pending.pop()
        else:
            seen.add(other)
            pending.append((other, iter(sorted(graph.get(other, ())))))
    return left


def shortest_path(graph: Mapping[str, Collection[str]], start: str, end: str) -> tuple[str, ...]:
    """Return the nodes of a shortest path of at least one step; empty if there is none.

    From a node to itself that is its shortest cycle.
    """
    before: dict[str, str] = {}
    pending = deque([start])
    while pending:
        node = pending.popleft()
        for other in sorted(graph.get(node, ())):
            if other == end:
                path = [end, node]
                while path[-1] != start:
                    path.append(before[path[-1]])
                return tuple(reversed(path))
            if other not in before and other != start:
                before[other] = node
                pending.append(other)
    return ()


def reachable(graph: Mapping[str, Collection[str]], start: str) -> frozenset[str]:
    """Return the nodes that can be reached from a node in at least one step."""
    seen: set[str] = set()
    pending = list(graph.get(start, ()))
    while pending:
        node = pending.pop()
        if node not in seen:
            seen.add(node)
            pending += graph.get(node, ())
    return frozenset(seen)
