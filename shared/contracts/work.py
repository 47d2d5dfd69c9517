"""Work sent from one service to another. Each message refers to a document in MongoDB."""

from typing import ClassVar

from shared.contracts.base import AgentTypeName, Id, Message, Priority


class PerformTask(Message):
    """Have an agent perform a task under the lease `epoch`."""

    subject: ClassVar[str] = "gs.task.*.*"
    task_id: Id
    wave_id: Id
    agent_type: AgentTypeName
    priority: Priority
    epoch: int

    def address(self) -> str:
        """Return the subject of the task's priority and agent type."""
        return f"gs.task.{self.priority}.{self.agent_type}"


class ProposalSubmitted(Message):
    """An agent stored an enhancement; the resolver is to clear it."""

    subject: ClassVar[str] = "gs.proposal.submitted"
    enhancement_id: Id
    wave_id: Id
    target_id: Id
    epoch: int


class ProposalCleared(Message):
    """The resolver cleared an enhancement; the gate is to judge it."""

    subject: ClassVar[str] = "gs.proposal.cleared"
    enhancement_id: Id
    wave_id: Id
    target_id: Id
    epoch: int


class RunTests(Message):
    """Have a runner execute a test run.

    `repeated` marks a request that was sent before: a runner that already executes it is left
    alone.
    """

    subject: ClassVar[str] = "gs.run.*"
    run_id: Id
    target_id: Id
    repeated: bool = False

    def address(self) -> str:
        """Return the subject of the runs of its target."""
        return f"gs.run.{self.target_id}"
