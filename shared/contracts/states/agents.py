"""The states of deployed agents."""

from enum import StrEnum

from shared.contracts.states.machine import Machine


class AgentState(StrEnum):
    """deployed → active ⇄ idle | error | offline (its process was lost) → retired."""

    DEPLOYED = "deployed"
    ACTIVE = "active"
    IDLE = "idle"
    ERROR = "error"
    OFFLINE = "offline"
    RETIRED = "retired"


# The states of agents whose waves go on. A list, as queries take it.
OPEN_AGENT_STATES = [each for each in AgentState if each is not AgentState.RETIRED]


A = AgentState


AGENT = Machine(
    "agent",
    A.DEPLOYED,
    {
        # Of an active agent, by the worker that runs it: it had lost the database.
        **{(state, "start_work"): A.ACTIVE for state in OPEN_AGENT_STATES},
        (A.ACTIVE, "become_idle"): A.IDLE,
        (A.ACTIVE, "fail"): A.ERROR,
        (A.ACTIVE, "go_offline"): A.OFFLINE,
        **{(state, "retire"): A.RETIRED for state in OPEN_AGENT_STATES},
    },
)
