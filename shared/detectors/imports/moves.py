"""Which definitions could move to a file that needs them, so that a cycle of two files is open."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from shared.detectors.imports.cutting import Cuts
from shared.detectors.imports.facts import Definition, ImportPhase
from shared.detectors.imports.graph import Edge, components, reachable
from shared.detectors.imports.modules import is_init
from shared.detectors.imports.needs import (
    defining,
    evaluates_annotations,
    free_names,
    has_relative_imports,
    is_replaced,
    named_statements,
    needed_imports,
)
from shared.kernel.syntax import parse

MAX_MOVED = 3


@dataclass(frozen=True)
class Move:
    """Definitions that move from one file to another, which imports them from it today.

    `taken` are these imports. `needs` are the import statements of the first file that the
    definitions use, each with one name, by this name.
    """

    source: str
    target: str
    definitions: tuple[Definition, ...]
    taken: tuple[Edge, ...]
    needs: Mapping[str, str]

    @property
    def names(self) -> list[str]:
        """The names that move, sorted."""
        return sorted(each.name for each in self.definitions)


def find_moves(cuts: Cuts) -> list[Move]:
    """Return a move for each cycle of two files that no import can be cut to open.

    Of the two directions it is the one in which fewer definitions move.
    """
    left = cuts.left()
    pairs = [sorted(each) for each in components(left) if len(each) == 2]  # noqa: PLR2004
    found = []
    for one, other in pairs:
        both = (_move(cuts, one, other), _move(cuts, other, one))
        fitting = [each for each in both if each is not None]
        found += sorted(fitting, key=lambda each: (len(each.definitions), each.source))[:1]
    return found


def _move(cuts: Cuts, source: str, target: str) -> Move | None:
    """Return what has to move from one file to the other that imports it; None if it cannot."""
    graph = cuts.graph
    loading = [
        e
        for e in graph.edges[target]
        if e.imported == source and e.site.when is not ImportPhase.TYPING
    ]
    names = {e.site.name for e in loading}
    definitions = [graph.facts[source].definition(name) for name in sorted(names)]
    if is_init(source) or is_init(target) or len(names) > MAX_MOVED:
        return None
    if any(e.is_module or e.site.bound != e.site.name for e in loading) or None in definitions:
        return None
    is_plain = b"\r" not in cuts.read(source) + cuts.read(target)
    if not is_plain or not all(map(cuts.is_movable, loading)):
        return None
    moving = tuple(each for each in definitions if each is not None)
    needs = _needs(cuts, source, target, moving)
    return None if needs is None else Move(source, target, moving, tuple(loading), needs)


def _needs(
    cuts: Cuts, source: str, target: str, moving: Collection[Definition]
) -> Mapping[str, str] | None:
    """Return the import statements that definitions use; None where they use anything else.

    What they use must mean the same in the other file, and must not lead back to it.
    """
    graph, content, names = cuts.graph, cuts.read(source), {each.name for each in moving}
    needs = needed_imports(content, names)
    if needs is None or any(is_replaced(graph, source, each) for each in (*names, *needs)):
        return None
    if _means_more(cuts, source, target, names, needs):
        return None
    edges = {e.site.bound: e.imported for e in graph.edges[source]}
    led_to = {edges[name] for name in needs if name in edges}
    if any(target in {each, *reachable(graph.loaded, each)} for each in led_to):
        return None
    return needs


def _means_more(
    cuts: Cuts, source: str, target: str, names: Collection[str], needs: Mapping[str, str]
) -> bool:
    """Return whether definitions may mean something else in another file, or what is there may."""
    one, other = cuts.read(source), cuts.read(target)
    beside = source.rpartition("/")[0] == target.rpartition("/")[0]
    is_relative = any(each.startswith("from .") for each in needs.values())
    facts, there = cuts.graph.facts[target], dict(named_statements(parse(other)))
    used = free_names(defining(parse(one), names) or ())
    return (
        (not beside and (is_relative or has_relative_imports(one, names)))
        or evaluates_annotations(one) != evaluates_annotations(other)
        or any(each.name == "*" for each in facts.imports)
        or any(facts.bindings.get(each) != 1 or each in facts.rebound for each in names)
        or any(
            each in facts.bindings and (each not in needs or there.get(each) != needs[each])
            for each in used - set(names)
        )
    )
