"""What rules find in workflows, and the rules by their codes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from shared.contracts.base import Severity
from shared.detectors.n8n.graph import WorkflowGraph
from shared.detectors.n8n.json_text import Json
from shared.detectors.n8n.workflow import Node, Workflow

TOOL = "n8n"
Fixable = Literal["no", "safe", "unsafe"]


@dataclass(frozen=True)
class WorkflowProblem:
    """Something wrong at a place of a workflow.

    `subject` is what tells it from others of its rule: a node's name, and more where a node may
    have several. `fixable` is "unsafe" where a fix may change what the workflow does. `data` is
    what its fixer needs to know.
    """

    place: Json
    subject: str
    message: str
    fixable: Fixable = "no"
    data: Any = field(default=None, compare=False)


@dataclass(frozen=True)
class WorkflowOptions:
    """What a target configures about the rules.

    `error_workflow` is the id of the workflow to set where there is none; `timeout` is in
    milliseconds, and `poll_minutes` is the interval below which a schedule counts as polling.
    """

    error_workflow: str = ""
    timeout: int = 60_000
    poll_minutes: int = 15


DEFAULT_OPTIONS = WorkflowOptions()


@dataclass(frozen=True)
class Subject:
    """A workflow with its graph, and the options of the target."""

    workflow: Workflow
    graph: WorkflowGraph
    options: WorkflowOptions = DEFAULT_OPTIONS

    @property
    def active_nodes(self) -> Iterator[Node]:
        """The nodes that are enabled and that a trigger leads to."""
        reached = self.graph.reached
        return (e for e in self.workflow.nodes if e.name in reached and not e.disabled)

    def node_at(self, place: Json) -> Node | None:
        """Return the node that has a place in the file; None if none has."""
        nodes = self.workflow.all_nodes
        return next((e for e in nodes if e.json.start <= place.start < e.json.end), None)


Find = Callable[[Subject], Iterator[WorkflowProblem]]


@dataclass(frozen=True)
class WorkflowRule:
    """A rule: its code, how bad it is to break it, why, and what finds where it is broken.

    `security` marks rules whose findings no change may add.
    """

    code: str
    severity: Severity
    why: str
    find: Find
    security: bool = False


RULES: dict[str, WorkflowRule] = {}


def rule(code: str, severity: Severity, *, security: bool = False) -> Callable[[Find], Find]:
    """Register a function as the rule `code`; its docstring says why the rule is good."""

    def register(find: Find) -> Find:
        """Add the function to `RULES` and return it unchanged."""
        why = " ".join((find.__doc__ or "").split())
        RULES[code] = WorkflowRule(code, severity, why, find, security)
        return find

    return register


def at_node(node: Node, message: str, *, more: str = "", **details: Any) -> WorkflowProblem:
    """Return a problem of a node, at its name; `more` tells it from others of that node."""
    place = node.json.get("name") or node.json
    return WorkflowProblem(
        place, f"{node.name}\0{more}", f"Node {node.name!r}: {message}", **details
    )
