"""Who did what in a wave."""

from collections.abc import Sequence

from shared.contracts.documents.agents import Agent
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.waves import Task
from shared.contracts.report import AgentSummary
from shared.contracts.states import EnhancementState


def summarize_agents(
    agents: Sequence[Agent], tasks: Sequence[Task], changes: Sequence[Enhancement]
) -> tuple[AgentSummary, ...]:
    """Return what each agent of a wave did, from the wave's tasks and changes."""
    return tuple(
        _summary(
            agent,
            [each for each in tasks if each.agent_id == agent.id],
            [each for each in changes if each.proposal.author.agent_id == agent.id],
        )
        for agent in agents
    )


def _summary(agent: Agent, tasks: list[Task], changes: list[Enhancement]) -> AgentSummary:
    """Return what an agent did in its tasks, with its changes; what was rolled back has landed."""
    stint = agent.stint
    return AgentSummary(
        id=agent.id,
        name=agent.name,
        type=agent.type,
        focus=agent.focus,
        state=agent.state,
        tasks=len(tasks),
        proposals=len(changes),
        landed=sum(
            each.state in {EnhancementState.APPLIED, EnhancementState.ROLLED_BACK}
            for each in changes
        ),
        seconds=agent.seconds,
        process=f"{stint.host}:{stint.pid}" if stint else "",
        note="; ".join(dict.fromkeys(each.note for each in tasks if each.note)),
    )
