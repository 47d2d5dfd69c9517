"""When a task and a wave are over, and what is planned after it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.findings import Finding
from shared.contracts.documents.waves import Task
from shared.contracts.states import TASK, EnhancementState
from shared.targets.patches import parse_patch

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
    return task.attempt + 1 < ROUNDS and any(each.state in lost for each in changes)


def in_the_way(
    findings: Iterable[Finding], patches: Iterable[str], read: Callable[[str], bytes | None]
) -> dict[str, str]:
    """By fingerprint, of findings in lines that one of these patches takes away or rewrites. `read` gives a file."""
    rewritten: dict[str, set[bytes]] = defaultdict(set)
    for text in patches:
        for file in parse_patch(text):
            for hunk in file.hunks:
                rewritten[file.path] |= {line.strip() for line in hunk.old if line not in hunk.new}
    lines = {path: (read(path) or b"").splitlines() for path in rewritten}
    return {
        each.fingerprint: "its lines are those of a change that waits for a person"
        for each in findings
        if each.path in lines
        and each.line <= len(lines[each.path])
        and lines[each.path][each.line - 1].strip() in rewritten[each.path]
    }


def foreclosure(change: Enhancement) -> str | None:
    """Why the findings of `change` are not to be tried again; None where they may be."""
    if change.state is EnhancementState.ROLLED_BACK:
        return "it was rolled back"
    if change.state is EnhancementState.NEEDS_APPROVAL:
        return "it waits for a person"
    if change.state is EnhancementState.REJECTED and change.decision.tests:
        more = (
            f" and {len(change.decision.tests) - 1} more" if len(change.decision.tests) > 1 else ""
        )
        return f"refused because of {change.decision.tests[0]}{more}"
    if change.state is EnhancementState.REJECTED and not change.decision.reason.startswith(
        NOBODYS_FAULT
    ):
        return f"refused: {change.decision.reason}"
    return None
