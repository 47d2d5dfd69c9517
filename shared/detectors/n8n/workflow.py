"""Workflows of n8n as a file has them: nodes and connections, each with its place in the text."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from shared.detectors.n8n.facts.types import NodeType, node_type
from shared.detectors.n8n.json_text import Json, JsonError, line_of, parse_json
from shared.targets.languages import is_workflow

MAIN = "main"
# The node with which workflows began before there were triggers.
START = "start"
STICKY_NOTE = "n8n-nodes-base.stickyNote"
# What a node without a version is.
FIRST_VERSION = 1.0


class NotReadable(ValueError):
    """A file that looks like a workflow cannot be read as one."""


@dataclass(frozen=True)
class Node:
    """A node of a workflow; `json` is its object in the file."""

    json: Json

    @property
    def name(self) -> str:
        """The name by which connections and expressions refer to it."""
        return str(self.json.data.get("name", ""))

    @property
    def type(self) -> str:
        """The full name of its type, such as `n8n-nodes-base.set`."""
        return str(self.json.data["type"])

    @property
    def short_type(self) -> str:
        """The name of its type without that of the package."""
        return self.type.rpartition(".")[2]

    @property
    def version(self) -> float:
        """The version of its type."""
        found = self.json.data.get("typeVersion")
        return float(found) if isinstance(found, int | float) else FIRST_VERSION

    @property
    def facts(self) -> NodeType | None:
        """What is known about its type; None for a type that is not known."""
        return node_type(self.type)

    @property
    def disabled(self) -> bool:
        """True if it only passes its input on."""
        return self.json.data.get("disabled") is True

    @property
    def is_trigger(self) -> bool:
        """True if executions begin with it; of an unknown type, if its name says so."""
        if self.facts is not None:
            return self.facts.trigger
        return self.short_type == START or self.short_type.lower().endswith("trigger")

    def parameter(self, *path: str | int) -> Any:
        """Return the value of a parameter, by its path; None if it is not set."""
        found = self.json.get("parameters", *path)
        return found.data if found is not None else None

    def setting(self, key: str) -> Any:
        """Return a setting of the node itself, such as `retryOnFail`; None if it is not set."""
        return self.json.data.get(key)


@dataclass(frozen=True)
class Connection:
    """A connection from an output of one node to an input of another one.

    `path` leads to its object below `connections`, and `json` is that object.
    """

    source: str
    kind: str
    output: int
    target: str
    input: int
    path: tuple[str | int, ...]
    json: Json


@dataclass(frozen=True)
class Workflow:
    """One workflow of a file; `json` is its object and `text` the whole file."""

    json: Json
    text: str

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes, without notes, in the order of the file."""
        return tuple(each for each in self.all_nodes if each.type != STICKY_NOTE)

    @cached_property
    def all_nodes(self) -> tuple[Node, ...]:
        """The nodes and notes, in the order of the file."""
        found = self.json.get("nodes")
        assert found is not None
        return tuple(Node(each.value) for each in found.members)

    @property
    def lines_of_nodes(self) -> int:
        """The number of lines of the file that its nodes are on."""
        found = self.json.get("nodes")
        return self.text.count("\n", found.start, found.end) + 1 if found else 0

    @cached_property
    def by_name(self) -> dict[str, Node]:
        """The nodes by name; of several with one name, the first."""
        found: dict[str, Node] = {}
        for each in self.nodes:
            found.setdefault(each.name, each)
        return found

    @cached_property
    def connections(self) -> tuple[Connection, ...]:
        """All connections that are written as they should be."""
        return tuple(self._connections())

    def _connections(self) -> Iterator[Connection]:
        """Yield the connections in the order of the file."""
        for source, kind, output, (path, each) in self._ends():
            data = each.data
            if isinstance(data, dict) and isinstance(data.get("node"), str):
                index = data.get("index", 0)
                place = index if isinstance(index, int) else 0
                yield Connection(source, kind, output, data["node"], place, path, each)

    def _ends(self) -> Iterator[tuple[str, str, int, tuple[tuple[str | int, ...], Json]]]:
        """Yield source, kind, output, and path and value of each end of a connection."""
        top = self.json.get("connections")
        for source in top.members if top else ():
            for kind in source.value.members:
                for output, targets in enumerate(kind.value.members):
                    for number, each in enumerate(targets.value.members):
                        path = (source.key or "", kind.key or "", output, number)
                        yield source.key or "", kind.key or "", output, (path, each.value)

    @property
    def name(self) -> str:
        """The name of the workflow; empty if it has none."""
        return str(self.json.data.get("name") or "")

    def setting(self, key: str) -> Any:
        """Return a setting of the workflow; None if it is not set."""
        found = self.json.get("settings", key)
        return found.data if found is not None else None

    def line(self, place: Json) -> int:
        """Return the line of the file on which a value begins."""
        return line_of(self.text, place.start)


def read_workflows(text: str) -> tuple[Workflow, ...]:
    """Return the workflows of a file, none if it has none.

    Raises `NotReadable` for a workflow that is not written as n8n does.
    """
    if not is_workflow(text.encode()):
        return ()
    try:
        top = parse_json(text)
    except (JsonError, RecursionError) as error:
        raise NotReadable(f"it cannot be read: {error}") from error
    values = [each.value for each in top.members] if isinstance(top.data, list) else [top]
    return tuple(Workflow(each, text) for each in values)
