"""RPC endpoints about tasks."""

from typing import Any

from services.api import usecases
from services.api.ports import ApiDeps
from shared.contracts.commands import GetTaskReason
from shared.contracts.views import TaskReason
from shared.messaging.rpc import Endpoint


def answers(deps: ApiDeps) -> tuple[Endpoint[Any, Any], ...]:
    """Return the RPC endpoints about tasks."""
    return (Endpoint(GetTaskReason, TaskReason, lambda q: usecases.explain_task(q.task_id, deps)),)
