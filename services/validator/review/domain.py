"""What is shown to people for review: which branch has which changes, and in what words."""

from collections.abc import Sequence
from datetime import datetime

from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.review import PullRequest
from shared.contracts.documents.targets import Target

LISTED = 200
SHORT = 8


def for_waves(target: Target, changes: Sequence[Enhancement], now: datetime) -> list[PullRequest]:
    """One branch per wave, up to its newest commit; changes are in the order in which they stand."""
    waves: dict[str, list[Enhancement]] = {}
    for each in changes:
        waves.setdefault(each.wave_id, []).append(each)
    return [
        _of(target, wave_id, of_wave, onto=target.base_branch, now=now)
        for wave_id, of_wave in waves.items()
    ]


def for_each(
    target: Target, changes: Sequence[Enhancement], below: str, now: datetime
) -> list[PullRequest]:
    """One branch per change, each to be merged into the one it stands on: that is how it was tested.

    `below` is the branch that the first of them stands on.
    """
    found: list[PullRequest] = []
    for each in changes:
        onto = found[-1].branch if found else below
        found.append(_of(target, each.id, [each], onto=onto, now=now))
    return found


def _of(
    target: Target, identity: str, changes: Sequence[Enhancement], *, onto: str, now: datetime
) -> PullRequest:
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
    target: Target, identity: str, tip: str, taken_off: Sequence[str], now: datetime
) -> PullRequest:
    """One branch for all that a rollback took off."""
    return PullRequest(
        id=f"{identity}:undo",
        target_id=target.id,
        wave_id="",
        branch=branch_name(f"{target.base_branch}-undo", identity),
        base_branch=target.base_branch,
        commit=tip,
        enhancements=tuple(taken_off),
        rolled_back=tuple(taken_off),
        created_at=now,
        changed_at=now,
    )


def branch_name(base: str, identity: str) -> str:
    """Beside the landing branch; a branch cannot be below another one."""
    return f"groundswell/{base}-{identity[-SHORT:]}"


def words(request: PullRequest, changes: Sequence[Enhancement]) -> tuple[str, str]:
    """Title and body, in Markdown; only of what is there now."""
    off = set(request.rolled_back)
    there = [each for each in changes if each.id not in off]
    gone = [each for each in changes if each.id in off]
    return _title(there, gone), "\n\n".join(_paragraphs(request, there, gone)) + "\n"


def _title(there: Sequence[Enhancement], gone: Sequence[Enhancement]) -> str:
    if not there:
        return f"revert: {_few(gone)}"
    return there[0].proposal.title if len(there) == 1 else f"chore: {_few(there)}"


def _few(changes: Sequence[Enhancement]) -> str:
    if len(changes) == 1:
        return changes[0].proposal.title
    components = sorted({each.proposal.component for each in changes})
    where = ", ".join(components[:3]) + (" and more" if len(components) > 3 else "")  # noqa: PLR2004
    return f"{len(changes)} enhancements of {where}"


def _paragraphs(
    request: PullRequest, there: Sequence[Enhancement], gone: Sequence[Enhancement]
) -> list[str]:
    parts = []
    if there:
        parts.append("One commit each; every one is measured to break nothing.")
        parts.append(_listed(there))
        evidence = sorted({sentence for each in there for sentence in each.decision.evidence})
        parts.append("\n".join(f"- {each}" for each in evidence))
    if gone:
        parts.append("Taken off again, by one revert each:")
        parts.append(_listed(gone))
    if there:
        parts.append(
            f"To take one off again: `groundswell enhancement rollback {there[-1].id[-SHORT:]}`."
        )
    parts.append(f"Made by Groundswell, wave {request.wave_id}." if request.wave_id else "")
    return [each for each in parts if each]


def _listed(changes: Sequence[Enhancement]) -> str:
    lines = [
        f"- `{each.id[-SHORT:]}` {_plain(each.proposal.title)}"
        + (f" — {_plain(each.proposal.rationale)}" if each.proposal.rationale else "")
        for each in changes[:LISTED]
    ]
    if len(changes) > LISTED:
        lines.append(f"- and {len(changes) - LISTED} more")
    return "\n".join(lines)


def _plain(text: str) -> str:
    """One line that mentions nobody: a title comes from an agent, and a mention would call people."""
    return " ".join(text.split()).replace("@", "@\u200b")
