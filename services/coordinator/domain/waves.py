"""When a task and a wave are over, and what is planned after it."""

from collections.abc import Sequence

from shared.contracts.documents import Enhancement, Task
from shared.contracts.states import TASK, EnhancementState

SETTLED = frozenset(
    {
        EnhancementState.APPLIED,
        EnhancementState.ROLLED_BACK,
        EnhancementState.REJECTED,
        EnhancementState.SUPERSEDED,
        EnhancementState.EXPIRED,
        EnhancementState.ADVISORY,
        EnhancementState.NEEDS_APPROVAL,
    }
)
ROUNDS = 3
# Refused for what happened around it, not for what it is.
NOBODYS_FAULT = "old-epoch"


def settled(changes: Sequence[Enhancement]) -> bool:
    """Whether the gate has nothing more to say about these changes."""
    return all(each.state in SETTLED for each in changes)


def over(tasks: Sequence[Task]) -> bool:
    """Whether every task is terminal."""
    return all(TASK.terminal(each.state) for each in tasks)


def needs_follow_up(task: Task, changes: Sequence[Enhancement]) -> bool:
    """Whether the rest is worth doing again on the new head.

    A refusal may take others down that stood on it, and may leave behind what they would have
    tidied up. A few rounds are enough: each one is smaller.
    """
    lost = {EnhancementState.REJECTED, EnhancementState.EXPIRED}
    return task.round + 1 < ROUNDS and any(each.state in lost for each in changes)


def foreclosure(change: Enhancement) -> str | None:
    """Why the findings of `change` are not to be tried again; None where they may be."""
    if change.state is EnhancementState.ROLLED_BACK:
        return "it was rolled back"
    if change.state is EnhancementState.NEEDS_APPROVAL:
        return "it waits for a person"
    if change.state is EnhancementState.REJECTED and change.tests:
        more = f" and {len(change.tests) - 1} more" if len(change.tests) > 1 else ""
        return f"refused because of {change.tests[0]}{more}"
    if change.state is EnhancementState.REJECTED and not change.reason.startswith(NOBODYS_FAULT):
        return f"refused: {change.reason}"
    return None
