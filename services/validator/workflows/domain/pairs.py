"""Which workflows two versions of a file have in common, and which of them differ."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.validator.workflows.domain.harness import NotRunnable, Pins, pins_of
from shared.detectors.n8n.shape import shape_errors
from shared.detectors.n8n.workflow import MAIN, Node, NotReadable, Workflow, read_workflows

LAYOUT = frozenset({"name", "position", "notes", "notesInFlow"})


@dataclass(frozen=True)
class WorkflowPair:
    """One workflow of a file before and after a change; `old` is None where it is new."""

    path: str
    old: Workflow | None
    new: Workflow

    @property
    def name(self) -> str:
        """What people call it."""
        return self.new.name or self.path

    @property
    def id(self) -> str:
        """Its id in n8n, as far as the file has one."""
        found = self.new.json.data.get("id")
        return found if isinstance(found, str) else ""

    @property
    def pins(self) -> Pins:
        """The data that is pinned in it: before the change, and for other nodes after it."""
        return {**pins_of(self.new), **(pins_of(self.old) if self.old else {})}

    @property
    def new_names(self) -> Mapping[str, str]:
        """The names after the change of the nodes before it, by id where both have one."""
        if self.old is None:
            return {}
        by_id = {each.setting("id"): each.name for each in self.new.all_nodes if each.setting("id")}
        return {each.name: by_id.get(each.setting("id"), each.name) for each in self.old.all_nodes}

    def edited(self) -> frozenset[str]:
        """Return the old names of the nodes that the change edits or adds, whatever their layout.

        An added node has only a new name.
        """
        old = self.old.by_name if self.old else {}
        kept = {name: self.new.by_name.get(new) for name, new in self.new_names.items()}
        edited = {
            name
            for name, each in kept.items()
            if name in old and each is not None and _work(old[name]) != _work(each)
        }
        return frozenset(edited | (self.new.by_name.keys() - set(self.new_names.values())))

    def fed_otherwise(self) -> frozenset[str]:
        """Return the old names of the nodes to which connections lead that the change edits."""
        names = self.new_names
        before = {(names.get(s, s), o, names.get(t, t), i) for s, o, t, i in _edges(self.old)}
        back = {new: name for name, new in names.items()}
        return frozenset(back.get(each[2], each[2]) for each in before ^ _edges(self.new))


def _work(node: Node) -> dict[str, Any]:
    """Return what a node does: all but its name, its place and its notes."""
    return {key: value for key, value in node.json.data.items() if key not in LAYOUT}


def _edges(flow: Workflow | None) -> set[tuple[str, int, str, int]]:
    """Return the main connections between nodes that exist: source, output, target, input."""
    return {
        (each.source, each.output, each.target, each.input)
        for each in (flow.connections if flow else ())
        if each.kind == MAIN and flow and {each.source, each.target} <= flow.by_name.keys()
    }


def differing_workflows(path: str, before: str | None, after: str | None) -> list[WorkflowPair]:
    """Return the workflows of a file that a change adds or edits; none for another file.

    Raises `NotRunnable` for one that cannot be read.
    """
    try:
        old = read_workflows(before) if before is not None else ()
        new = read_workflows(after) if after is not None else ()
    except NotReadable as error:
        raise NotRunnable(f"{path}: {error}") from error
    known = {key: each for number, each in enumerate(old) for key in _keys(each, number)}
    return list(_pairs(path, known, new))


def _pairs(
    path: str, known: Mapping[str, Workflow], new: tuple[Workflow, ...]
) -> Iterator[WorkflowPair]:
    """Yield the pairs that differ. Raises `NotRunnable` for one that is not formed as n8n reads."""
    for number, each in enumerate(new):
        old = next((known[key] for key in _keys(each, number) if key in known), None)
        for flow in filter(None, (old, each)):
            if errors := shape_errors(flow.json.data):
                raise NotRunnable(f"{path}: {errors[0]}")
        if old is None or old.json.data != each.json.data:
            yield WorkflowPair(path, old, each)


def _keys(flow: Workflow, number: int) -> Iterator[str]:
    """Yield what a workflow is recognised by: its id, else its place in the file."""
    identity = flow.json.data.get("id")
    yield f"id {identity}" if identity else f"number {number}"
