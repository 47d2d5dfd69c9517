"""The graph of a workflow: what leads to what, what can be reached, and what goes in circles."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property

from shared.detectors.n8n.workflow import MAIN, Connection, Node, Workflow


class WorkflowGraph:
    """The graph of one workflow, without connections from or to what does not exist."""

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        known = workflow.by_name
        self.edges = tuple(
            each for each in workflow.connections if each.source in known and each.target in known
        )

    @cached_property
    def out(self) -> Mapping[str, list[Connection]]:
        """The main connections that leave each node."""
        found: dict[str, list[Connection]] = defaultdict(list)
        for each in self.edges:
            if each.kind == MAIN:
                found[each.source].append(each)
        return found

    @cached_property
    def into(self) -> Mapping[str, list[Connection]]:
        """The main connections that lead to each node."""
        found: dict[str, list[Connection]] = defaultdict(list)
        for each in self.edges:
            if each.kind == MAIN:
                found[each.target].append(each)
        return found

    @cached_property
    def serves(self) -> Mapping[str, list[str]]:
        """The nodes that each node is a part of, such as the agent to which a model belongs."""
        found: dict[str, list[str]] = defaultdict(list)
        for each in self.edges:
            if each.kind != MAIN:
                found[each.source].append(each.target)
        return found

    @cached_property
    def triggers(self) -> tuple[Node, ...]:
        """The nodes with which executions begin, as far as they are enabled."""
        return tuple(e for e in self.workflow.nodes if e.is_trigger and not e.disabled)

    @cached_property
    def reached(self) -> frozenset[str]:
        """The names of the nodes to which an enabled trigger leads, with their parts."""
        found = self.below(each.name for each in self.triggers)
        parts: set[str] = set()
        while new := self._parts_of(found | parts) - found - parts:
            parts |= new
        return frozenset(found | parts)

    def _parts_of(self, names: Collection[str]) -> set[str]:
        """Return the nodes that are a part of one of these."""
        return {part for part, whole in self.serves.items() if not set(whole).isdisjoint(names)}

    def below(self, names: Iterable[str]) -> frozenset[str]:
        """Return these nodes and all to which their main outputs lead."""
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += [each.target for each in self.out.get(name, ())]
        return frozenset(found)

    def outputs_of(self, name: str) -> Mapping[int, list[str]]:
        """Return the nodes to which each main output of a node leads, by its index."""
        found: dict[int, list[str]] = defaultdict(list)
        for each in self.out.get(name, ()):
            found[each.output].append(each.target)
        return found

    @cached_property
    def circles(self) -> tuple[frozenset[str], ...]:
        """The largest sets of nodes in which each leads to every one, in order of the file."""
        below = {each.name: self._after(each.name) for each in self.workflow.nodes}
        found: list[frozenset[str]] = []
        for name, after in below.items():
            if name in after and not any(name in each for each in found):
                found.append(frozenset(each for each in after if name in below[each]))
        return tuple(found)

    def _after(self, name: str) -> frozenset[str]:
        """Return the nodes to which a node leads; itself is one only if it is in a circle."""
        return self.below(each.target for each in self.out.get(name, ()))
