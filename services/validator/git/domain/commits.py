"""What a landed change and a rollback say about themselves in git."""

import re
import textwrap
from collections.abc import Mapping, Sequence

from shared.contracts.documents.enhancements import Enhancement

ENHANCEMENT = "Enhancement-Id"
REVERTS = "Reverts-Enhancement-Id"
SUBJECT = 72
WIDTH = 76
TRAILER = re.compile(r"^([A-Z][A-Za-z-]+): (.+)$")


def landing_message(change: Enhancement, evidence: Sequence[str]) -> str:
    """A Conventional Commit: what, why, on what evidence, and the trailers that find it again."""
    parts = [_subject(change.proposal.title), _wrap(change.proposal.rationale)]
    if len(change.proposal.title) > SUBJECT:
        parts.insert(1, _wrap(change.proposal.title))
    if change.proposal.prediction is not None:
        said = change.proposal.prediction
        parts.append(
            _wrap(
                f"Predicted: {said.metric} {said.direction} by {said.size:g} "
                f"(confidence {said.confidence:.0%})."
            )
        )
    parts += [_wrap(each) for each in evidence]
    parts.append(
        "\n".join(
            [
                f"{ENHANCEMENT}: {change.id}",
                f"Wave-Id: {change.wave_id}",
                f"Agent: {change.proposal.author.agent} ({change.proposal.author.engine})",
                "Validated-By: groundswell-validator",
            ]
        )
    )
    return "\n\n".join(each for each in parts if each) + "\n"


def rollback_message(change: Enhancement, reason: str) -> str:
    """The revert of a landed change, and why."""
    body = [
        _subject(f"revert: {change.proposal.title}"),
        _wrap(f"This takes off {change.landing.commit}: {reason.strip().rstrip('.')}."),
        f"{REVERTS}: {change.id}\nWave-Id: {change.wave_id}\nValidated-By: groundswell-validator",
    ]
    return "\n\n".join(body) + "\n"


def joining_message(base: str, landing: str) -> str:
    """The merge that takes a landing branch on from a base which has all of it already."""
    body = f"All of {landing} is in {base} already; this only lets it move forward from there."
    return f"{_subject(f'chore: merge {base} into {landing}')}\n\n{_wrap(body)}\n"


def trailers(message: str) -> Mapping[str, str]:
    """The trailers in the last paragraph of a commit message."""
    last = message.strip().rpartition("\n\n")[2]
    matches = [TRAILER.match(line) for line in last.splitlines()]
    return {found[1]: found[2] for found in matches if found}


def _subject(title: str) -> str:
    """One line of at most 72 characters; a place in brackets at its end goes first."""
    line = " ".join(title.split())
    if len(line) <= SUBJECT:
        return line
    line = re.sub(r"\s*\([^()]*\)$", "", line)
    return line if len(line) <= SUBJECT else line[: SUBJECT - 1].rstrip() + "…"


def _wrap(text: str) -> str:
    # A line of ours must not be taken for a trailer, so paragraphs are filled, not kept.
    return "\n".join(
        textwrap.wrap(" ".join(text.split()), WIDTH, break_on_hyphens=False, break_long_words=False)
    )
