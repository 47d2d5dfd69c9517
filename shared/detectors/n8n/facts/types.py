"""What is known about node types, from the packaged tables."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

BASE = "n8n-nodes-base."
LANGCHAIN = "@n8n/n8n-nodes-langchain."
# Every other package is a community package, of whose types nothing is known.
KNOWN_PACKAGES = (BASE, LANGCHAIN)
# n8n derives a type such as `slackTool` from `slack` for the use by an AI agent.
TOOL_SUFFIX = "Tool"


@dataclass(frozen=True)
class NodeType:
    """The facts about one node type.

    `names` are its default display names. `outputs` is the largest number of main outputs that a
    version has, None where parameters decide. `choices` are the values that some parameters may
    have, and `required` parameters have to be given one. A hidden type is no longer offered in the
    editor.
    """

    names: frozenset[str] = frozenset()
    versions: tuple[float, ...] = ()
    outputs: int | None = None
    trigger: bool = False
    webhook: bool = False
    hidden: bool = False
    parameters: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    choices: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Retirement:
    """How a node type went out of use: since which version of n8n, and what to use instead.

    `removed` types do not run; `disabled` ones run only where an administrator allows them;
    `changed` ones do something else; `outdated` ones still run.
    """

    kind: str
    since: str
    instead: str
    below: float | None = None

    def applies(self, version: float) -> bool:
        """Return whether it is about this version of the type."""
        return self.below is None or version < self.below


@cache
def node_types() -> Mapping[str, NodeType]:
    """Return the known node types by full name, such as `n8n-nodes-base.set`."""
    table = json.loads((files(__package__) / "node_types.json").read_text())
    return {name: _node_type(row) for name, row in table.items()}


@cache
def retirements() -> Mapping[str, Retirement]:
    """Return what became of types that are removed, disabled or outdated, by full name."""
    table = tomllib.loads((files(__package__) / "retirements.toml").read_text())
    found = {}
    for kind in ("removed", "disabled", "changed", "outdated"):
        for name, row in table.get(kind, {}).items():
            found[name] = Retirement(kind, row["since"], row["instead"], row.get("below"))
    return found


def node_type(name: str) -> NodeType | None:
    """Return the facts about a type; None where it is not known."""
    known = node_types()
    return known.get(name) or known.get(name.removesuffix(TOOL_SUFFIX))


def is_of_known_package(name: str) -> bool:
    """Return whether all types of the package of this type are known."""
    return name.startswith(KNOWN_PACKAGES)


def _node_type(row: Mapping[str, Any]) -> NodeType:
    """Return the facts in a row of the table."""
    return NodeType(
        names=frozenset(row.get("names", ())),
        versions=tuple(row.get("versions", ())),
        outputs=row["outputs"],
        trigger=row.get("trigger", False),
        webhook=row.get("webhook", False),
        hidden=row.get("hidden", False),
        parameters=frozenset(row.get("parameters", ())),
        required=frozenset(row.get("required", ())),
        choices={key: frozenset(each) for key, each in row.get("choices", {}).items()},
    )
