"""The agents: who is there, and what becomes of the work of those who are gone."""

from datetime import timedelta

import structlog

from services.coordinator.usecases.desk import Desk
from shared.contracts.answers import AgentList, Done
from shared.contracts.commands import GetAgents, ReleaseLease
from shared.contracts.documents.agents import Agent
from shared.contracts.events import AgentLost
from shared.contracts.states import AgentState, TaskState

log = structlog.get_logger(__name__)
PATIENCE = timedelta(seconds=15)
THERE = [AgentState.IDLE, AgentState.ACTIVE, AgentState.ERROR]


async def get_active_agents(question: GetAgents, desk: Desk) -> AgentList:
    """The agents, or those among them that are there."""
    states = THERE if question.active else list(AgentState)
    return AgentList(agents=tuple(await desk.store.agents.find(state=states)))


async def watch_agents(desk: Desk) -> None:
    """An agent that is silent is offline, and what it was doing waits for another one."""
    now = desk.clock()
    for agent in await desk.store.agents.find(state=THERE):
        if now - agent.heartbeat_at > PATIENCE:
            await _lose(agent, desk)
    gone = [each.id for each in await desk.store.agents.find(state=AgentState.OFFLINE)]
    for task in await desk.store.tasks.find(state=TaskState.RUNNING):
        if task.agent_id in gone and now - task.changed_at > PATIENCE:
            log.warning("task_returned", task=task.id, agent=task.agent_id)
            await desk.bus.request(ReleaseLease(target_id=task.target_id, task_id=task.id), Done)
            await desk.store.tasks.transition(task, "wait", agent_id=None, changed_at=now)


async def _lose(agent: Agent, desk: Desk) -> None:
    if await desk.store.agents.transition(agent, "lose"):
        event = AgentLost(agent_id=agent.id, name=agent.name)
        await desk.bus.publish(event, key=agent.id)
