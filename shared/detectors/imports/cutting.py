"""Which imports of a cycle can be cut, so that the cycle or a part of it is gone."""

import ast
import codecs
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

from shared.detectors.imports.facts import ImportPhase
from shared.detectors.imports.graph import (
    Edge,
    ImportGraph,
    components,
    reachable,
    shortest_path,
)
from shared.detectors.imports.modules import is_init
from shared.detectors.imports.qualified import QualifiedImport, qualified_import
from shared.detectors.imports.uses import NameUse, UseTime, binding_places, name_uses
from shared.kernel.syntax import parse

MAX_CACHED_USES = 512
# An import in more functions than this is no longer the smaller evil.
MAX_FUNCTIONS = 3
MAX_DEFERRED_EDGES = 2
IN_ANNOTATIONS = {UseTime.EAGER, UseTime.NEVER}
Reads = Callable[[str], bytes]


@dataclass(frozen=True)
class FileUses:
    """How often a file binds each name, and how it uses it."""

    bound: Mapping[str, int]
    uses: Mapping[str, tuple[NameUse, ...]]

    def is_type_only(self, name: str) -> bool:
        """Return whether an imported name is used in annotations that may be texts, and only so."""
        uses = self.uses.get(name, ())
        return (
            self.bound.get(name) == 1
            and bool(uses)
            and all(e.when in IN_ANNOTATIONS and _may_be_text(e) for e in uses)
        )

    def calling_functions(self, name: str) -> tuple[ast.AST, ...] | None:
        """Return the functions that use an imported name; None if anything else does as well."""
        uses = [e for e in self.uses.get(name, ()) if e.when is not UseTime.NEVER]
        if self.bound.get(name) != 1 or any(each.when is not UseTime.CALL for each in uses):
            return None
        functions = [each.function for each in uses]
        # A lambda has no place for an import.
        return None if None in functions else tuple(e for e in dict.fromkeys(functions) if e)


@lru_cache(maxsize=MAX_CACHED_USES)
def read_uses(content: bytes) -> FileUses:
    """Return the uses of names in a file; none where it cannot be read that deeply."""
    try:
        tree = parse(content)
        return FileUses(binding_places(tree), name_uses(tree))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return FileUses({}, {})


@dataclass(frozen=True)
class Redirection:
    """An import by way of a package, and for each of its edges the file that defines the name."""

    edges: tuple[Edge, ...]
    origins: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Cuts:
    """The imports of all cycles of a graph that can be cut; `read` returns a file's content."""

    graph: ImportGraph
    read: Reads

    @cached_property
    def _inner(self) -> Mapping[tuple[str, str], tuple[Edge, ...]]:
        """The imports that run while loading, by the two files of one cycle that they connect."""
        found: dict[tuple[str, str], list[Edge]] = defaultdict(list)
        for cycle in self.graph.cycles:
            for path in sorted(cycle):
                for edge in self.graph.edges[path]:
                    if edge.imported in cycle and edge.site.when is ImportPhase.LOADING:
                        found[path, edge.imported].append(edge)
        return {pair: tuple(edges) for pair, edges in found.items()}

    @cached_property
    def type_only(self) -> tuple[tuple[Edge, ...], ...]:
        """The imports between two files that only annotations need."""
        return tuple(
            edges
            for (path, _), edges in self._inner.items()
            if all(
                self.is_movable(e) and self._uses(path).is_type_only(e.site.bound) for e in edges
            )
        )

    @cached_property
    def indirect(self) -> tuple[Redirection, ...]:
        """The imports from a package around a file of what another module defines."""
        found = (self._redirection(*pair, edges) for pair, edges in self._inner.items())
        return tuple(each for each in found if each is not None)

    @cached_property
    def qualified(self) -> tuple[QualifiedImport, ...]:
        """The imports of a package around a file, of which only attributes are read."""
        found = (self._qualified(edges) for edges in self._inner.values())
        return tuple(each for each in found if each is not None)

    @cached_property
    def _renamed(self) -> tuple[tuple[Edge, ...], ...]:
        """The imports in whose place a file can import from the modules that define the names."""
        return (*(e.edges for e in self.indirect), *((e.edge,) for e in self.qualified))

    @cached_property
    def deferrable(self) -> tuple[tuple[Edge, ...], ...]:
        """The imports that open the cycles which are left, once they are made in functions.

        Only those of cycles that are gone with them.
        """
        left = self._without((*self.type_only, *self._renamed))
        return tuple(e for cycle in components(left) for e in self._opening(cycle, left))

    @cached_property
    def later(self) -> frozenset[tuple[Edge, ...]]:
        """The cuts that are better made once others have opened the cycles behind them.

        Until then, what they no longer load is in a cycle, in which the order of imports counts:
        nothing could show that it may be loaded later.
        """
        movable = (*self.type_only, *self.deferrable)
        waiting = {each: found for each in movable if (found := self._before(each))}
        return frozenset(each for each, others in waiting.items() if others - waiting.keys())

    @cached_property
    def _all(self) -> tuple[tuple[Edge, ...], ...]:
        """All imports that can be cut, those between two files together."""
        return (*self._renamed, *self.type_only, *self.deferrable)

    def left(self) -> Mapping[str, frozenset[str]]:
        """Return what each file loads once all that can be cut is cut."""
        return self._without(self._all)

    def _before(self, cut: tuple[Edge, ...]) -> frozenset[tuple[Edge, ...]]:
        """Return the other cuts in the cycles behind one, if they open all of these; else none."""
        behind = self._behind(cut)
        closed = [each for each in components(self._without([cut])) if each & behind]
        if any(each & behind for each in components(self.left())):
            return frozenset()
        return frozenset(
            other
            for other in self._all
            if other != cut
            and any({other[0].importer, other[0].imported} <= cycle for cycle in closed)
        )

    def _behind(self, cut: tuple[Edge, ...]) -> frozenset[str]:
        """Return the files that a cut import loads, without those that are loaded before anyway."""
        edge, parents = cut[0], self.graph.modules.parents
        before = {edge.importer, *parents(edge.importer)}
        graph = {path: others - before for path, others in self.graph.loaded.items()}
        first = {edge.imported, *parents(edge.imported)} - before
        return frozenset(first.union(*(reachable(graph, each) for each in first)) - before)

    def _without(self, cut: Sequence[Sequence[Edge]]) -> Mapping[str, frozenset[str]]:
        """Return what each file loads without some imports, each of which is one pair of files."""
        left = dict(self.graph.loaded)
        for edges in cut:
            left[edges[0].importer] -= {edges[0].imported}
        return left

    def _opening(
        self, cycle: frozenset[str], graph: Mapping[str, frozenset[str]]
    ) -> Iterator[tuple[Edge, ...]]:
        """Yield the imports that open a cycle if they are deferred; none if it stays closed."""
        inside = {path: set(graph[path] & cycle) for path in cycle}
        chosen: list[tuple[str, str]] = []
        while parts := components(inside):
            if len(chosen) == MAX_DEFERRED_EDGES:
                return
            pairs = pairwise(shortest_path(inside, min(parts[0]), min(parts[0])))
            costs = [(cost, pair) for pair in pairs if (cost := self._cost(pair))]
            if not costs:
                return
            chosen.append(min(costs)[1])
            inside[chosen[-1][0]].discard(chosen[-1][1])
        yield from (self._inner[pair] for pair in chosen)

    def _cost(self, pair: tuple[str, str]) -> int:
        """Return how many functions have to import if the imports of a pair are deferred.

        Returns 0 where they cannot be.
        """
        functions: set[ast.AST] = set()
        for edge in self._inner[pair]:
            using = self._uses(pair[0]).calling_functions(edge.site.bound)
            if using is None or not self.is_movable(edge):
                return 0
            functions.update(using)
        return len(functions) if len(functions) <= MAX_FUNCTIONS else 0

    def _redirection(self, path: str, package: str, edges: Sequence[Edge]) -> Redirection | None:
        """Return how a file could import from defining modules instead of a package around it.

        Returns None where it could not, or would still be in a cycle with one of them.
        """
        if package not in self.graph.modules.parents(path):
            return None
        origins = [self.graph.origin(package, each.site.name) for each in edges]
        if not all(map(self.is_movable, edges)) or any(each.is_module for each in edges):
            return None
        found = tuple(each for each in origins if each is not None and each[0] != package)
        if len(found) != len(edges):
            return None
        rest = {k: v - {package} if k == path else v for k, v in self.graph.loaded.items()}
        if any(at == path or path in reachable(rest, at) for at, _ in found):
            return None
        return Redirection(tuple(edges), found)

    def _qualified(self, edges: Sequence[Edge]) -> QualifiedImport | None:
        """Return how a file could do without importing a package; None if it could not."""
        if len(edges) != 1 or not self.is_movable(edges[0]):
            return None
        return qualified_import(self.graph, self.read(edges[0].importer), edges[0])

    def is_movable(self, edge: Edge) -> bool:
        """Return whether an import stands in the module itself, and may be moved from there.

        It has its lines for itself, without a comment on it, and binds one module or name alone:
        `import a.b` binds `a`, of which anything may be read. What a package imports is there for
        others. A file with a byte order mark is left alone, as tools count its columns otherwise.
        """
        site = edge.site
        binds_top = (
            not site.name and "." in site.module and site.module.startswith(f"{site.bound}.")
        )
        if not site.is_plain or site.name == "*" or binds_top or is_init(edge.importer):
            return False
        content = self.read(edge.importer)
        if content.startswith(codecs.BOM_UTF8):
            return False
        lines = content.splitlines()
        text = b"".join(lines[site.line - 1 : site.end_line])
        before = lines[site.line - 2].lstrip() if site.line > 1 else b""
        return not any(mark in text for mark in (b"#", b";", b"\\")) and before[:1] != b"#"

    def _uses(self, path: str) -> FileUses:
        """Return the uses of names in a file."""
        return read_uses(self.read(path))


def _may_be_text(use: NameUse) -> bool:
    """Return whether the annotation of a use is on one line and has no text of its own.

    An annotation that nothing evaluates may be anything.
    """
    if use.when is UseTime.NEVER or use.annotation is None:
        return True
    has_text = any(
        isinstance(e, ast.Constant) and isinstance(e.value, str) for e in ast.walk(use.annotation)
    )
    return use.annotation.lineno == use.annotation.end_lineno and not has_text
