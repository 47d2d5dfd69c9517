"""Whether a program may notice that a file imports another one later, or not at all."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from shared.behaviour.import_effects import is_plain_standard_module
from shared.behaviour.quiet_modules import is_quiet_class, noise_of_module
from shared.detectors.imports.facts import ImportPhase, ImportSite
from shared.detectors.imports.graph import Edge, ImportGraph, components, reachable

# An import as conditions know it: module, level, name, and what that is bound to.
Site = tuple[str, int, str, str]


class Loading:
    """What importing the files of a repository loads, and in which order.

    `reached` returns which file reads a module as an attribute of its package without importing
    it, given the module's dotted name, a file that imports it, and with what the paths begin of
    the files to look at.
    """

    def __init__(
        self,
        graph: ImportGraph,
        read: Callable[[str], bytes],
        reached: Callable[[str, str, str], str],
    ) -> None:
        self._graph = graph
        self._read = read
        self._reached = reached
        self._mentioned: dict[frozenset[str], str] = {}

    def edge(self, path: str, site: Site) -> Edge | None:
        """Return what an import in a file leads to; None if that is no file of the repository."""
        found = (e for e in self._graph.edges.get(path, ()) if _identity(e.site) == site)
        return next(found, None)

    def noticed(self, edge: Edge) -> str:
        """Return why it may be noticed if a file no longer imports another when it is loaded.

        Nothing notices it if loading that one, and what it imports, only defines things, if they
        are in no import cycle, so that they can be loaded in any order, and if nobody reaches one
        of them by its package. The answer is a clause.
        """
        files = sorted(self._loaded_by(edge))
        if why := self._order_matters(edge, files):
            return why
        around, kept = self._loaded_around(edge)
        for each in files:
            # Whoever is outside has loaded the whole package by the time that it reads of it.
            within = around if each in kept else ""
            reached = self._reached(self._graph.modules.name(each), edge.importer, within)
            if why := self._noise(edge, each) or reached:
                return why
        return ""

    def rebound(self, edge: Edge) -> str:
        """Return why the name that an import takes may mean several objects; empty if it cannot."""
        if edge.is_module:
            return ""
        found = self._graph.origin(edge.imported, edge.site.name)
        if found is None:
            return f"`{edge.site.name}` may be bound anew in {edge.imported}"
        return self._replaced(edge.site.name) or self._replaced(found[1])

    def differs(self, edge: Edge, other: Site) -> str:
        """Return why an import from a package may give another object than `other` in its place.

        The package has to be one around the file. Then it is loaded before, and where the import
        does not fail, it has bound the name, so that the module which defines it is there as well.
        """
        name = edge.site.name
        if edge.is_module or edge.imported not in self._graph.modules.parents(edge.importer):
            return f"`{name}` is not taken from a package around the file"
        module, level, taken, _ = other
        dotted = self._graph.modules.absolute(module, level, edge.importer)
        found = self._graph.modules.find(dotted or "", edge.importer)
        if found is None or self._graph.origin(edge.imported, name) != (found, taken):
            return f"`{dotted}` is not known to define what `{name}` is"
        return self.rebound(edge)

    def attribute_differs(self, edge: Edge, name: str, other: Site) -> str:
        """Return why an attribute of a package may be another object than `other` gives.

        The package has to be one around the file, that has loaded the module which defines it
        before it leads to the file in any way.
        """
        graph = self._graph
        if not edge.is_module or edge.imported not in graph.modules.parents(edge.importer):
            return f"`{edge.site.bound}` is not a package around the file"
        module, level, taken, _ = other
        dotted = graph.modules.absolute(module, level, edge.importer)
        found = graph.modules.find(dotted or "", edge.importer)
        if found is None or graph.origin(edge.imported, name) != (found, taken):
            return f"`{dotted}` is not known to define what `{name}` is"
        replaced = self._replaced(name) or self._replaced(taken)
        return replaced or self._loaded_too_early(edge, name)

    def _loaded_too_early(self, edge: Edge, name: str) -> str:
        """Return why a package may lead to a file before it has a name; empty if it cannot."""
        package = edge.imported
        bound = max(e.site.end_line for e in self._graph.edges[package] if e.site.bound == name)
        if self._first_lead(package, edge.importer) <= bound:
            return f"`{self._graph.modules.name(package)}` may load the file before it has `{name}`"
        return ""

    def _first_lead(self, package: str, path: str) -> float:
        """Return the first line of a package that may lead to a file; infinity if there is none.

        What the package imports leads to the file if it, or what it imports in turn at any time,
        does.
        """
        graph = {each: others - {package} for each, others in self._at_any_time.items()}
        leading = (
            e.site.line
            for e in self._graph.edges[package]
            if e.site.when is not ImportPhase.TYPING
            for first in {e.imported, *self._graph.modules.parents(e.imported)} - {package}
            if first == path or path in reachable(graph, first)
        )
        return min(leading, default=math.inf)

    def _begun_before(self, path: str) -> frozenset[str]:
        """Return the files whose loading surely begins before that of a file, whoever imports it.

        Those are the packages around it, and what these load before.
        """
        around = frozenset(self._graph.modules.parents(path))
        return around.union(*(self._loaded_first(each, path) for each in around))

    def _ended_before(self, path: str) -> frozenset[str]:
        """Return the files whose loading surely ends before that of a file begins.

        A package begins before what is in it does. So what it has imported of that has ended, while
        other files may be what imports the package.
        """
        parents = self._graph.modules.parents
        return frozenset(
            each
            for package in parents(path)
            for each in self._loaded_first(package, path)
            if package in parents(each)
        )

    def _loaded_first(self, package: str, path: str) -> frozenset[str]:
        """Return what a package around a file surely loads before anything that leads to it."""
        # They go on after this file, and so does this file itself.
        unfinished = {path, *self._graph.modules.parents(path)}
        graph = {each: others - unfinished for each, others in self._surely.items()}
        lead, found = self._first_lead(package, path), set[str]()
        for e in self._graph.edges[package]:
            if _is_sure(e) and e.site.end_line < lead:
                first = {e.imported, *self._graph.modules.parents(e.imported)} - unfinished
                found |= first.union(*(reachable(graph, each) for each in first))
        return frozenset(found)

    def mentioned(self, names: frozenset[str]) -> str:
        """Return which file uses one of these names, or has one as a text, as a clause."""
        if names not in self._mentioned:
            self._mentioned[names] = self._find_mentioned(names)
        return self._mentioned[names]

    def _find_mentioned(self, names: frozenset[str]) -> str:
        """Return what `mentioned` returns, by looking at every file."""
        for path, facts in self._graph.facts.items():
            imported = {part for e in facts.imports for part in (*e.module.split("."), e.name)}
            if found := sorted(names & (imported | facts.mentioned)):
                return f"{path} uses `{found[0]}`"
        return ""

    def _replaced(self, name: str) -> str:
        """Return which file may replace a name of another one, as tests do; empty if none does."""
        for path, facts in self._graph.facts.items():
            if name in facts.assigned:
                return f"{path} assigns to an attribute `{name}`"
            if any(each.endswith((f".{name}", f":{name}")) for each in facts.mentioned):
                return f"{path} names `{name}` in a text"
        return ""

    def _loaded_by(self, edge: Edge) -> frozenset[str]:
        """Return the files that an import may load, without those that are loaded before anyway."""
        before = {edge.importer, *self._begun_before(edge.importer)}
        graph = {path: others - before for path, others in self._loaded.items()}
        first = {edge.imported, *self._graph.modules.parents(edge.imported)} - before
        return frozenset(first.union(*(reachable(graph, each) for each in first)) - before)

    def _loaded_around(self, edge: Edge) -> tuple[str, frozenset[str]]:
        """Return the folder of the outermost package around a file, and what that surely loads.

        It loads that without the import as well.
        """
        outermost = next(self._graph.modules.parents(edge.importer), None)
        if outermost is None:
            return "", frozenset()
        left = self._surely[edge.importer] - {edge.imported}
        graph = {**self._surely, edge.importer: left}
        return f"{outermost.rpartition('/')[0]}/", reachable(graph, outermost)

    def _order_matters(self, edge: Edge, files: Sequence[str]) -> str:
        """Return which of the files is still in a cycle, once the edge is gone; empty if none."""
        left = {**self._loaded, edge.importer: self._direct(edge.importer, edge.imported)}
        for cycle in components(left):
            if found := cycle.intersection(files):
                name = self._graph.modules.name(min(found))
                return f"`{name}` is in an import cycle, where the order of imports counts"
        return ""

    def _noise(self, edge: Edge, path: str) -> str:
        """Return what loading a file does, or what it imports from elsewhere; empty if nothing."""
        why = noise_of_module(self._read(path), lambda name: self._is_quiet_base(path, name, 0))
        if why:
            return f"importing {path} {why}"
        facts = self._graph.facts.get(path)
        if facts is None:
            return f"{path} cannot be parsed"
        ours = {each.site for each in self._graph.edges[path]}
        for site in facts.imports:
            if site.when is not ImportPhase.LOADING or site in ours:
                continue
            if site.level or not is_plain_standard_module(site.module):
                if not self._is_loaded_before(edge, site):
                    return f"{path} imports `{site.module}`, and that may do anything"
        return ""

    def _is_loaded_before(self, edge: Edge, wanted: ImportSite) -> bool:
        """Return whether a module of others is imported in any case before the edge is reached.

        The importer does that, or a file that is loaded before it.
        """
        path = edge.importer
        sites = [e for e in self._graph.facts[path].imports if e.line < edge.site.line]
        sites += [e for f in self._ended_before(path) for e in self._graph.facts[f].imports]
        return any(
            each.is_plain
            and each.when is ImportPhase.LOADING
            and not (each.level or wanted.level)
            and each.module == wanted.module
            and each.name in {"", wanted.name}
            for each in sites
        )

    def _is_quiet_base(self, path: str, name: str, depth: int) -> bool:
        """Return whether a class that a file imports lets subclasses be made without an effect."""
        edges = [e for e in self._graph.edges[path] if e.site.bound == name]
        if len(edges) != 1 or edges[0].is_module or depth > len(self._graph.facts):
            return False
        found = self._graph.origin(edges[0].imported, edges[0].site.name)
        return found is not None and is_quiet_class(
            self._read(found[0]),
            found[1],
            lambda inner: self._is_quiet_base(found[0], inner, depth + 1),
        )

    @cached_property
    def _loaded(self) -> Mapping[str, frozenset[str]]:
        """The files that each file loads directly, with the packages around them."""
        return {path: self._direct(path) for path in self._graph.facts}

    @cached_property
    def _at_any_time(self) -> Mapping[str, frozenset[str]]:
        """The files that each file imports whenever that is, with the packages around them."""
        return self._imported(lambda edge: edge.site.when is not ImportPhase.TYPING)

    @cached_property
    def _surely(self) -> Mapping[str, frozenset[str]]:
        """The files that each file imports in any case when it is loaded, with their packages."""
        return self._imported(_is_sure)

    def _imported(self, wanted: Callable[[Edge], bool]) -> Mapping[str, frozenset[str]]:
        """Return the files that some imports of each file lead to, with the packages around."""
        parents = self._graph.modules.parents
        return {
            path: frozenset(
                part for e in edges if wanted(e) for part in (e.imported, *parents(e.imported))
            )
            for path, edges in self._graph.edges.items()
        }

    def _direct(self, path: str, without: str = "") -> frozenset[str]:
        """Return the files that loading a file loads directly, and the packages around them.

        Not those around the file itself, which are loaded before, and not for the file `without`.
        """
        around = {path, *self._graph.modules.parents(path)}
        loaded = self._graph.loaded[path] - {without}
        packages = {e for each in loaded for e in self._graph.modules.parents(each)} - around
        return loaded | packages


def _is_sure(edge: Edge) -> bool:
    """Return whether an import runs in any case when its file is loaded."""
    return edge.site.is_plain and edge.site.when is ImportPhase.LOADING


def _identity(site: ImportSite) -> Site:
    """Return an import as conditions know it."""
    return site.module, site.level, site.name, site.bound
