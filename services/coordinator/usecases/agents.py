"""The agents: who is there, and what becomes of the work of those who are gone."""

from datetime import timedelta

import structlog

from services.coordinator.deps import CoordinatorDeps
from shared.contracts.answers import Acknowledgement, AgentList
from shared.contracts.commands import GetAgents, ReleaseLease
from shared.contracts.documents.agents import Agent
from shared.contracts.events import AgentLost
from shared.contracts.states import AgentState, TaskState

log = structlog.get_logger(__name__)
PATIENCE = timedelta(seconds=15)
THERE = [AgentState.IDLE, AgentState.ACTIVE, AgentState.ERROR]


async def get_active_agents(question: GetAgents, deps: CoordinatorDeps) -> AgentList:
    """The agents, or those among them that are there."""
    states = THERE if question.active else list(AgentState)
    return AgentList(agents=tuple(await deps.store.agents.find(state=states)))


async def watch_agents(deps: CoordinatorDeps) -> None:
    """An agent that is silent is offline, and what it was doing waits for another one."""
    now = deps.clock()
    for agent in await deps.store.agents.find(state=THERE):
        if now - agent.heartbeat_at > PATIENCE:
            await _lose(agent, deps)
    gone = [each.id for each in await deps.store.agents.find(state=AgentState.OFFLINE)]
    for task in await deps.store.tasks.find(state=TaskState.RUNNING):
        if task.agent_id in gone and now - task.changed_at > PATIENCE:
            log.warning("task_returned", task=task.id, agent=task.agent_id)
            await deps.bus.request(
                ReleaseLease(target_id=task.target_id, task_id=task.id), Acknowledgement
            )
            await deps.store.tasks.transition(task, "wait", agent_id=None, changed_at=now)


async def _lose(agent: Agent, deps: CoordinatorDeps) -> None:
    if await deps.store.agents.transition(agent, "lose"):
        event = AgentLost(agent_id=agent.id, name=agent.name)
        await deps.bus.publish(event, key=agent.id)
