"""Workflows and executions as a running n8n has them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True)
class LiveWorkflow:
    """A workflow in n8n. `version` is that of its draft, `published` that which runs, if any.

    `content` has its nodes, connections, settings and pinned data.
    """

    id: str
    name: str
    version: str
    published: str = ""
    content: Mapping[str, Any] = field(default_factory=dict, repr=False)
    created_at: datetime | None = None


@dataclass(frozen=True)
class WorkflowExecution:
    """One ended execution: what each node returned in each of its runs, as n8n stores it."""

    id: str
    status: str
    runs: Mapping[str, Sequence[Any]] = field(default_factory=dict, repr=False)
