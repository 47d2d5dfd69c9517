"""What a wave could have taken up, and why it took up what it did."""

from datetime import datetime

from pydantic import Field

from shared.contracts.base import AgentTypeName, Id, Priority, Value
from shared.contracts.documents.base import Document
from shared.contracts.documents.waves import place


class TaskCandidate(Value):
    """An opportunity as the planner saw it. `reason` tells in words why it was taken up, or not.

    `expected` is the mean probability that a change of its arm stands, after `trials` decided ones,
    of which older ones count less; `drawn` is the one that was drawn from that distribution, or the
    mean where nothing was drawn. `value` is what the choice went by: what is drawn, times impact,
    per line to read. `turn` counts from 1 in the order of choice; None was left. A `control` was
    drawn by chance from those whose turn it was.

    Flat: one row of a table.
    """

    agent_type: AgentTypeName
    component: str
    part: str = ""
    family: str
    component_class: str
    priority: Priority
    impact: float
    complexity: float
    expected: float = Field(ge=0, le=1)
    drawn: float = Field(ge=0, le=1)
    trials: float
    value: float
    turn: int | None = None
    control: bool = False
    reason: str

    @property
    def place(self) -> str:
        """The component and, where it is divided, the part of it, for people."""
        return place(self.component, self.part)


class WaveChoices(Document):
    """What a wave chose from, by the id of the wave: the chosen in their order, then the others.

    `left_out` counts the others that are not kept.
    """

    target_id: Id
    candidates: tuple[TaskCandidate, ...]
    left_out: int = 0
    at: datetime
