"""Watch the agents, and return the tasks of lost ones to the queue."""

from datetime import timedelta

import structlog

from services.coordinator.deps import CoordinatorDeps
from shared.contracts.answers import Acknowledgement, AgentList
from shared.contracts.commands import GetAgents, ReleaseLease
from shared.contracts.documents.agents import Agent
from shared.contracts.events import AgentLost
from shared.contracts.states import ONLINE_AGENT_STATES, AgentState, TaskState
from shared.contracts.views import agent_view

log = structlog.get_logger(__name__)
HEARTBEAT_TIMEOUT = timedelta(seconds=15)


async def get_active_agents(question: GetAgents, deps: CoordinatorDeps) -> AgentList:
    """Return all agents, or with `question.active` only those that are online."""
    states = ONLINE_AGENT_STATES if question.active else list(AgentState)
    found = await deps.store.agents.find(state=states)
    return AgentList(agents=tuple(agent_view(each) for each in found))


async def watch_agents(deps: CoordinatorDeps) -> None:
    """Mark agents offline that are silent for 15 s; release and requeue their running tasks."""
    now = deps.clock()
    for agent in await deps.store.agents.find(state=ONLINE_AGENT_STATES):
        if now - agent.heartbeat_at > HEARTBEAT_TIMEOUT:
            await _mark_offline(agent, deps)
    offline = [each.id for each in await deps.store.agents.find(state=AgentState.OFFLINE)]
    for task in await deps.store.tasks.find(state=TaskState.RUNNING):
        if task.agent_id in offline and now - task.changed_at > HEARTBEAT_TIMEOUT:
            log.warning("task_requeued", task=task.id, agent=task.agent_id)
            await deps.bus.request(
                ReleaseLease(target_id=task.target_id, task_id=task.id), Acknowledgement
            )
            await deps.store.tasks.transition(task, "requeue", agent_id=None, changed_at=now)


async def _mark_offline(agent: Agent, deps: CoordinatorDeps) -> None:
    """Mark an agent offline and publish that, unless its state has changed meanwhile."""
    if await deps.store.agents.transition(agent, "go_offline"):
        event = AgentLost(agent_id=agent.id, name=agent.name)
        await deps.bus.publish(event, key=agent.id)
