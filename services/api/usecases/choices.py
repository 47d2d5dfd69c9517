"""The reasons why tasks were taken up."""

from services.api.ports import ApiDeps
from services.api.usecases.find import find_by_id
from shared.contracts.views import TaskReason, task_reason


async def explain_task(typed: str, deps: ApiDeps) -> TaskReason:
    """Return why a task was taken up. Raises as `find_by_id`."""
    task = await find_by_id(deps.store.tasks, typed, "task")
    return task_reason(task, await deps.store.choices.get(task.wave_id))
