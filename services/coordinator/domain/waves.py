"""Rules about the end of tasks and waves, and about follow-ups."""

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet

from shared.contracts.documents.base import Failure
from shared.contracts.documents.conflicts import REASON_PREFIX
from shared.contracts.documents.enhancements import OLD_EPOCH, Enhancement
from shared.contracts.documents.findings import Finding
from shared.contracts.documents.waves import Task, place
from shared.contracts.states import TASK, EnhancementState, TaskState
from shared.targets.patches import parse_patch

DECIDED = frozenset(
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
UNDECIDED = [each for each in EnhancementState if each not in DECIDED]
LOST = frozenset({EnhancementState.REJECTED, EnhancementState.EXPIRED})
FAILED_TASK_STATES = frozenset({TaskState.FAILED, TaskState.DEAD})
MAX_ATTEMPTS = 3
MAX_NAMED_FAILURES = 3
NUMBERS = re.compile(r"\b[0-9a-f]{7,}\b|\d+")
# What is lost for such a reason says nothing about the change itself.
BLAMELESS = (REASON_PREFIX, OLD_EPOCH)


def are_decided(changes: Sequence[Enhancement]) -> bool:
    """Return whether the gate is done with all changes: landed, ended, or awaiting approval."""
    return all(each.state in DECIDED for each in changes)


def are_over(tasks: Sequence[Task]) -> bool:
    """Return whether every task is in a terminal state."""
    return all(TASK.terminal(each.state) for each in tasks)


def failure_notes(tasks: Iterable[Task]) -> tuple[str, ...]:
    """Return a note on each task that failed, with the reason."""
    return tuple(
        f"The task on {place(each.component, each.opportunity.part)} failed: "
        f"{each.note or 'no reason is known'}"
        for each in tasks
        if each.state in FAILED_TASK_STATES
    )


def failure_of_all(tasks: Sequence[Task]) -> Failure | None:
    """Return the failure of a wave in which every task failed; None for any other."""
    notes = failure_notes(tasks)
    if not notes or len(notes) < len(tasks):
        return None
    more = f" So did {len(notes) - MAX_NAMED_FAILURES} more." if notes[MAX_NAMED_FAILURES:] else ""
    return Failure(
        code="tasks_failed",
        message=f"Every task failed. {' '.join(notes[:MAX_NAMED_FAILURES])}{more}",
        hint="Mend what is said there, and start another wave.",
    )


def needs_follow_up(
    task: Task, changes: Sequence[Enhancement], lost_twice: AbstractSet[str] = frozenset()
) -> bool:
    """Return whether a task is repeated: a change was rejected or expired, and attempts are left.

    A rejected change may take changes with it that build on it, or leave code that they would have
    cleaned up. Each attempt is smaller. What was lost twice for the same reason, by the
    fingerprints of its findings, is no cause for another one.
    """
    return task.attempt + 1 < MAX_ATTEMPTS and any(
        change.state in LOST and not _is_repeated(change, lost_twice) for change in changes
    )


def _is_repeated(change: Enhancement, lost_twice: AbstractSet[str]) -> bool:
    """Return whether all findings of a change were lost twice for the same reason."""
    found = change.proposal.fingerprints
    return bool(found) and lost_twice >= set(found)


def sent_back(changes: Iterable[Enhancement]) -> tuple[str, ...]:
    """Return a sentence on each change that another one overtook, for whoever makes it again."""
    return tuple(
        f"{change.proposal.title}: {change.decision.reason.removeprefix(REASON_PREFIX)}"
        for change in changes
        if change.state is EnhancementState.EXPIRED
        and change.decision.reason.startswith(REASON_PREFIX)
    )


def lost_twice(changes: Iterable[Enhancement]) -> frozenset[str]:
    """Return the findings, by fingerprint, of which two changes were lost for the same reason.

    `changes` are those of one wave. Numbers and ids in a reason do not count, nor does a change
    that another one overtook, or that its task was repeated for.
    """
    lost = Counter(
        (fingerprint, NUMBERS.sub("", change.decision.reason))
        for change in changes
        if change.state in LOST and not change.decision.reason.startswith(BLAMELESS)
        for fingerprint in change.proposal.fingerprints
    )
    return frozenset(fingerprint for (fingerprint, _), count in lost.items() if count > 1)


def foreclosed_by_pending(
    findings: Iterable[Finding], patches: Iterable[str], read: Callable[[str], bytes | None]
) -> dict[str, str]:
    """Return the findings on a line with text that a patch rewrites: the reason by fingerprint.

    `patches` are unified diffs. `read` returns the content of a file at the head, or None.
    """
    rewritten: dict[str, set[bytes]] = defaultdict(set)
    for text in patches:
        for file in parse_patch(text):
            for hunk in file.hunks:
                rewritten[file.path] |= {line.strip() for line in hunk.old if line not in hunk.new}
    lines = {path: (read(path) or b"").splitlines() for path in rewritten}
    return {
        each.fingerprint: "its lines are part of a change that needs approval"
        for each in findings
        if each.path in lines
        and each.line <= len(lines[each.path])
        and lines[each.path][each.line - 1].strip() in rewritten[each.path]
    }


def foreclosure(change: Enhancement) -> str | None:
    """Return why the findings of `change` are not to be tried again, or None if they may be."""
    if change.state is EnhancementState.ROLLED_BACK:
        return "it was rolled back"
    if change.state is EnhancementState.NEEDS_APPROVAL:
        return "it needs approval"
    if change.state is EnhancementState.REJECTED and change.decision.tests:
        more = (
            f" and {len(change.decision.tests) - 1} more" if len(change.decision.tests) > 1 else ""
        )
        return f"rejected because of {change.decision.tests[0]}{more}"
    if change.state is EnhancementState.REJECTED:
        return f"rejected: {change.decision.reason}"
    return None
