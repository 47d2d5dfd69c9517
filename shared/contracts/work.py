"""Work between the services: tasks, proposals and test runs, each a hint at a document in MongoDB."""

from typing import ClassVar

from shared.contracts.base import AgentTypeName, Id, Message, Priority


class PerformTask(Message):
    """coordinator → agents: do the task under this id, with this lease epoch."""

    subject: ClassVar[str] = "gs.task.*.*"
    task_id: Id
    wave_id: Id
    agent_type: AgentTypeName
    priority: Priority
    epoch: int

    def address(self) -> str:
        return f"gs.task.{self.priority}.{self.agent_type}"


class ProposalSubmitted(Message):
    """agents → resolver: an enhancement was written down and wants to be tried."""

    subject: ClassVar[str] = "gs.proposal.submitted"
    enhancement_id: Id
    wave_id: Id
    target_id: Id
    epoch: int


class ProposalCleared(Message):
    """resolver → validator: it stands alone inside its lease and may be tried."""

    subject: ClassVar[str] = "gs.proposal.cleared"
    enhancement_id: Id
    wave_id: Id
    target_id: Id
    epoch: int


class RunTests(Message):
    """The validator's gate → its runners: carry out the run under this id.

    With `again` it was asked for before, and whoever has it at hand is left alone.
    """

    subject: ClassVar[str] = "gs.run.*"
    run_id: Id
    target_id: Id
    repeated: bool = False

    def address(self) -> str:
        return f"gs.run.{self.target_id}"
