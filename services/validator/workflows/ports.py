"""The port to a running n8n: its public API, as far as checks and releases need it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from services.validator.workflows.domain.live import LiveWorkflow, WorkflowExecution

# The code of the `Rejected` that says that n8n does not accept a workflow, and of that which says
# that it does not accept the key.
REFUSED, KEY_REFUSED = "n8n_refused", "n8n_key"


class WorkflowServer(Protocol):
    """A running n8n.

    Every method raises `Transient` if n8n does not answer in time, or not within the limits of
    size and depth, and `Rejected` if it refuses: with the code `REFUSED` what it was given, and
    with `KEY_REFUSED` who asks.
    """

    async def create(self, name: str, content: Mapping[str, Any]) -> LiveWorkflow:
        """Create a workflow that is not published."""
        ...

    async def get(self, workflow: str) -> LiveWorkflow | None:
        """Return a workflow by its id; None if there is none."""
        ...

    async def named(self, prefix: str) -> Sequence[LiveWorkflow]:
        """Return the workflows whose names begin with a text."""
        ...

    async def save_draft(
        self, workflow: str, name: str, content: Mapping[str, Any]
    ) -> LiveWorkflow:
        """Replace the draft of a workflow; what is published stays published."""
        ...

    async def publish(self, workflow: str, version: str) -> LiveWorkflow:
        """Publish a version of a workflow, in place of the one that is published."""
        ...

    async def delete(self, workflow: str) -> None:
        """Delete a workflow with its executions; nothing happens if there is none."""
        ...

    async def run(self, workflow: str, webhook: str) -> WorkflowExecution:
        """Start a published workflow by the path of its webhook, and return the execution's end."""
        ...
