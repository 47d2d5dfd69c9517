"""End or give out again the tasks that were begun, and that no process is at any more."""

from datetime import timedelta

import structlog

from services.coordinator.deps import CoordinatorDeps
from services.coordinator.usecases.agents import requeue
from services.coordinator.usecases.end import end_task
from shared.contracts.documents.agents import Agent
from shared.contracts.documents.waves import Task
from shared.contracts.states import AgentState, TaskState

log = structlog.get_logger(__name__)

# Longer than the pauses between all deliveries of a message.
ABANDONED_AFTER = timedelta(minutes=2)


async def settle_abandoned_tasks(deps: CoordinatorDeps) -> None:
    """End the tasks at which agents failed again and again; give others out under a new epoch.

    Their messages are dead letters by now, and their waves would wait for them without end.
    """
    for task in await deps.store.tasks.find(state=TaskState.RUNNING):
        agent = await deps.store.agents.get(task.agent_id or "")
        if agent is None or not _has_abandoned(agent, task, deps):
            continue
        log.warning("task_abandoned", task=task.id, agent=agent.id, state=agent.state)
        if agent.state is AgentState.ERROR:
            note = f"{agent.name} failed again and again; its dead letter has the reason"
            await end_task(task, "dead_letter", deps, note=note)
        else:
            await requeue(task, deps)


def _has_abandoned(agent: Agent, task: Task, deps: CoordinatorDeps) -> bool:
    """Return whether an agent began a task and left it long ago, in error or without an outcome."""
    return (
        agent.state in {AgentState.IDLE, AgentState.ERROR}
        and agent.stint is not None
        and (agent.stint.task_id, agent.stint.epoch) == (task.id, task.epoch)
        and deps.clock() - agent.last_sign > ABANDONED_AFTER
    )
