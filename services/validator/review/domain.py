"""Which pull requests show which landed changes, with their titles and bodies."""

from collections.abc import Sequence
from datetime import datetime

from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.review import PullRequest
from shared.contracts.documents.targets import Target

MAX_LISTED_CHANGES = 200
SHORT_ID_CHARS = 8


def for_waves(target: Target, changes: Sequence[Enhancement], now: datetime) -> list[PullRequest]:
    """Return one pull request per wave, up to its newest commit; changes are in branch order."""
    waves: dict[str, list[Enhancement]] = {}
    for each in changes:
        waves.setdefault(each.wave_id, []).append(each)
    return [
        _pull_request(target, wave_id, of_wave, onto=target.base_branch, now=now)
        for wave_id, of_wave in waves.items()
    ]


def for_each(
    target: Target, changes: Sequence[Enhancement], below: str, now: datetime
) -> list[PullRequest]:
    """Return one pull request per change, each to be merged into the branch it builds on.

    The changes are stacked because that is how they were tested. `below` is the branch that the
    first of them builds on.
    """
    found: list[PullRequest] = []
    for each in changes:
        onto = found[-1].branch if found else below
        found.append(_pull_request(target, each.id, [each], onto=onto, now=now))
    return found


def _pull_request(
    target: Target, identity: str, changes: Sequence[Enhancement], *, onto: str, now: datetime
) -> PullRequest:
    """Return the pull request of these changes, up to the last one, to be merged into `onto`."""
    *_, newest = changes
    return PullRequest(
        id=identity,
        target_id=target.id,
        wave_id=newest.wave_id,
        branch=branch_name(target.base_branch, identity),
        base_branch=onto,
        commit=newest.landing.commit or "",
        enhancements=tuple(each.id for each in changes),
        created_at=now,
        changed_at=now,
    )


def for_reverts(
    target: Target, identity: str, tip: str, rolled_back: Sequence[str], now: datetime
) -> PullRequest:
    """Return one pull request for everything that a rollback reverted."""
    return PullRequest(
        id=f"{identity}:undo",
        target_id=target.id,
        wave_id="",
        branch=branch_name(f"{target.base_branch}-undo", identity),
        base_branch=target.base_branch,
        commit=tip,
        enhancements=tuple(rolled_back),
        rolled_back=tuple(rolled_back),
        created_at=now,
        changed_at=now,
    )


def branch_name(base: str, identity: str) -> str:
    """Return the name of a review branch.

    It is beside the landing branch, because git cannot store a branch below another one.
    """
    return f"groundswell/{base}-{identity[-SHORT_ID_CHARS:]}"


def describe_pull_request(request: PullRequest, changes: Sequence[Enhancement]) -> tuple[str, str]:
    """Return title and body, in Markdown; changes rolled back meanwhile are listed apart."""
    off = set(request.rolled_back)
    there = [each for each in changes if each.id not in off]
    gone = [each for each in changes if each.id in off]
    return _title(there, gone), "\n\n".join(_paragraphs(request, there, gone)) + "\n"


def _title(there: Sequence[Enhancement], gone: Sequence[Enhancement]) -> str:
    """Return a title for the changes `there`; if none is left, one that reverts those `gone`."""
    if not there:
        return f"revert: {_summary(gone)}"
    return there[0].proposal.title if len(there) == 1 else f"chore: {_summary(there)}"


def _summary(changes: Sequence[Enhancement]) -> str:
    """Return the title of a single change, else the number of changes and their components."""
    if len(changes) == 1:
        return changes[0].proposal.title
    components = sorted({each.proposal.component for each in changes})
    where = ", ".join(components[:3]) + (" and more" if len(components) > 3 else "")  # noqa: PLR2004
    return f"{len(changes)} enhancements of {where}"


def _paragraphs(
    request: PullRequest, there: Sequence[Enhancement], gone: Sequence[Enhancement]
) -> list[str]:
    """Return the body's paragraphs: what is there, the evidence, and what was rolled back."""
    parts = []
    if there:
        parts.append("One commit each; every one is measured to break nothing.")
        parts.append(_listed(there))
        evidence = sorted({sentence for each in there for sentence in each.decision.evidence})
        parts.append("\n".join(f"- {each}" for each in evidence))
    if gone:
        parts.append("Rolled back, by one revert each:")
        parts.append(_listed(gone))
    if there:
        newest = there[-1].id[-SHORT_ID_CHARS:]
        parts.append(f"To roll one back: `groundswell enhancement rollback {newest}`.")
    parts.append(f"Made by Groundswell, wave {request.wave_id}." if request.wave_id else "")
    return [each for each in parts if each]


def _listed(changes: Sequence[Enhancement]) -> str:
    """Return a Markdown list of changes with id, title and rationale; a long one is cut."""
    lines = [
        f"- `{each.id[-SHORT_ID_CHARS:]}` {_one_line(each.proposal.title)}"
        + (f" — {_one_line(each.proposal.rationale)}" if each.proposal.rationale else "")
        for each in changes[:MAX_LISTED_CHANGES]
    ]
    if len(changes) > MAX_LISTED_CHANGES:
        lines.append(f"- and {len(changes) - MAX_LISTED_CHANGES} more")
    return "\n".join(lines)


def _one_line(text: str) -> str:
    """Put text on one line without mentions: a title of an agent must not notify people."""
    return " ".join(text.split()).replace("@", "@\u200b")
