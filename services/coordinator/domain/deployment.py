"""Which agents a wave deploys: one for each task that it is planned with."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from shared.contracts.documents.agents import Agent
from shared.contracts.documents.waves import Task


def agents_for(tasks: Iterable[Task], now: datetime) -> list[Agent]:
    """Return the agents of a wave's planned tasks, in the order of these: the same each time.

    A task says which agent is its own. Names are numbered within a wave and an agent type.
    """
    numbers: Counter[str] = Counter()
    agents = []
    for task in tasks:
        if task.attempt == 0 and task.agent_id is not None:
            numbers[task.agent_type] += 1
            agents.append(_agent(task, task.agent_id, numbers[task.agent_type], now))
    return agents


def _agent(task: Task, agent_id: str, number: int, now: datetime) -> Agent:
    """Return the agent of a task, the wave's agent number `number` of its type."""
    return Agent(
        id=agent_id,
        name=f"agent-{task.agent_type.replace('_', '-')}-{number}",
        type=task.agent_type,
        wave_id=task.wave_id,
        target_id=task.target_id,
        focus=task.opportunity.place,
        assignment=task.opportunity.description,
        deployed_at=now,
    )
