"""What is shown to people for review: which branch has which changes, and in what words."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.contracts.documents import Enhancement, PullRequest

LISTED = 200
SHORT = 8


@dataclass(frozen=True)
class Shown:
    """A branch up to `commit`, for what `id` names; `onto` is the branch it is to be merged into."""

    id: str
    wave_id: str
    branch: str
    onto: str
    commit: str
    enhancements: tuple[str, ...]
    taken_off: tuple[str, ...] = ()


def for_waves(changes: Sequence[Enhancement], base: str) -> list[Shown]:
    """One branch per wave, up to its newest commit; changes are in the order in which they stand."""
    found: dict[str, Shown] = {}
    for each in changes:
        before = found[each.wave_id].enhancements if each.wave_id in found else ()
        found[each.wave_id] = Shown(
            id=each.wave_id,
            wave_id=each.wave_id,
            branch=branch_name(base, each.wave_id),
            onto=base,
            commit=each.commit or "",
            enhancements=(*before, each.id),
        )
    return list(found.values())


def for_each(changes: Sequence[Enhancement], base: str, below: str) -> list[Shown]:
    """One branch per change, each to be merged into the one it stands on: that is how it was tested.

    `below` is the branch that the first of them stands on.
    """
    found: list[Shown] = []
    onto = below
    for each in changes:
        name = branch_name(base, each.id)
        found.append(Shown(each.id, each.wave_id, name, onto, each.commit or "", (each.id,)))
        onto = name
    return found


def for_reverts(identity: str, tip: str, taken_off: Sequence[str], base: str) -> Shown:
    """One branch for all that a rollback took off."""
    branch = branch_name(f"{base}-undo", identity)
    gone = tuple(taken_off)
    return Shown(f"{identity}:undo", "", branch, base, tip, gone, gone)


def branch_name(base: str, identity: str) -> str:
    """Beside the landing branch; a branch cannot be below another one."""
    return f"groundswell/{base}-{identity[-SHORT:]}"


def words(request: PullRequest, changes: Sequence[Enhancement]) -> tuple[str, str]:
    """Title and body, in Markdown; only of what is there now."""
    off = set(request.taken_off)
    there = [each for each in changes if each.id not in off]
    gone = [each for each in changes if each.id in off]
    return _title(there, gone), "\n\n".join(_paragraphs(request, there, gone)) + "\n"


def _title(there: Sequence[Enhancement], gone: Sequence[Enhancement]) -> str:
    if not there:
        return f"revert: {_few(gone)}"
    return there[0].title if len(there) == 1 else f"chore: {_few(there)}"


def _few(changes: Sequence[Enhancement]) -> str:
    if len(changes) == 1:
        return changes[0].title
    components = sorted({each.component for each in changes})
    where = ", ".join(components[:3]) + (" and more" if len(components) > 3 else "")  # noqa: PLR2004
    return f"{len(changes)} enhancements of {where}"


def _paragraphs(
    request: PullRequest, there: Sequence[Enhancement], gone: Sequence[Enhancement]
) -> list[str]:
    parts = []
    if there:
        parts.append("One commit each; every one is measured to break nothing.")
        parts.append(_listed(there))
        evidence = sorted({sentence for each in there for sentence in each.evidence})
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
        f"- `{each.id[-SHORT:]}` {_plain(each.title)}"
        + (f" — {_plain(each.rationale)}" if each.rationale else "")
        for each in changes[:LISTED]
    ]
    if len(changes) > LISTED:
        lines.append(f"- and {len(changes) - LISTED} more")
    return "\n".join(lines)


def _plain(text: str) -> str:
    """One line that mentions nobody: a title comes from an agent, and a mention would call people."""
    return " ".join(text.split()).replace("@", "@\u200b")
