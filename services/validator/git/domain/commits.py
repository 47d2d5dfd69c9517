"""Commit messages of landed changes and rollbacks, and the trailers that find them again."""

import re
import textwrap
from collections.abc import Mapping, Sequence

from shared.contracts.documents.enhancements import Enhancement

ENHANCEMENT_TRAILER = "Enhancement-Id"
REVERT_TRAILER = "Reverts-Enhancement-Id"
MAX_SUBJECT_COLUMNS = 72
MAX_BODY_COLUMNS = 76
MAX_ITEMS = 12
NUMBER = re.compile(r"\bpart \d{1,6}$")
TRAILER = re.compile(r"^([A-Z][A-Za-z-]+): (.+)$")


def landing_message(change: Enhancement, evidence: Sequence[str]) -> str:
    """Return the Conventional Commit message of a change that lands.

    It has the title, the rationale, the evidence and the trailers that find the change again.
    """
    subject = _subject(change.proposal.title)
    parts = [subject, *_paragraphs(change.proposal.rationale)]
    if not _says_all_of(change.proposal.title, f"{subject} {change.proposal.rationale}"):
        parts.insert(1, _wrap(change.proposal.title))
    if change.proposal.prediction is not None:
        prediction = change.proposal.prediction
        parts.append(
            _wrap(
                f"Predicted: {prediction.metric} {prediction.direction} by {prediction.size:g} "
                f"(confidence {prediction.confidence:.0%})."
            )
        )
    parts += [_wrap(each) for each in evidence]
    parts.append(
        "\n".join(
            [
                f"{ENHANCEMENT_TRAILER}: {change.id}",
                f"Wave-Id: {change.wave_id}",
                f"Agent: {change.proposal.author.agent} ({change.proposal.author.engine})",
                "Validated-By: groundswell-validator",
            ]
        )
    )
    return "\n\n".join(each for each in parts if each) + "\n"


def rollback_message(change: Enhancement, reason: str) -> str:
    """Return the message of the commit that reverts a landed change, with the reason."""
    trailer_lines = (
        f"{REVERT_TRAILER}: {change.id}",
        f"Wave-Id: {change.wave_id}",
        "Validated-By: groundswell-validator",
    )
    body = [
        _subject(f"revert: {change.proposal.title}"),
        _wrap(f"This rolls back {change.landing.commit}: {reason.strip().rstrip('.')}."),
        "\n".join(trailer_lines),
    ]
    return "\n\n".join(body) + "\n"


def joining_message(base: str, landing: str) -> str:
    """Return the message of a merge of the landing branch into a base that has its content."""
    body = f"All of {landing} is in {base} already; this only lets it move forward from there."
    return f"{_subject(f'chore: merge {base} into {landing}')}\n\n{_wrap(body)}\n"


def trailers(message: str) -> Mapping[str, str]:
    """Return the trailers in the last paragraph of a commit message, by name."""
    last = message.strip().rpartition("\n\n")[2]
    matches = [TRAILER.match(line) for line in last.splitlines()]
    return {found[1]: found[2] for found in matches if found}


def _subject(title: str) -> str:
    """Shorten a title to one subject line; what is in brackets at its end is dropped first.

    A number in there stays, as it tells apart commits that would have the same subject.
    """
    line = " ".join(title.split())
    if len(line) <= MAX_SUBJECT_COLUMNS:
        return line
    brackets = re.search(r"\s*\(([^()]*)\)$", line)
    numbers = NUMBER.findall(brackets[1]) if brackets else []
    number = f" ({', '.join(numbers)})" if numbers else ""
    line = line[: brackets.start()] if brackets else line
    if len(line) + len(number) <= MAX_SUBJECT_COLUMNS:
        return line + number
    return line[: MAX_SUBJECT_COLUMNS - 1 - len(number)].rstrip() + "…" + number


def _says_all_of(title: str, message: str) -> bool:
    """Return whether a message has a title's words, and what is in brackets at its end."""
    words, _, brackets = title.rstrip(")").rpartition(" (")
    pieces = [words, *brackets.split(", ")] if words else [title]
    plain = " ".join(message.split())
    return all(" ".join(each.split()) in plain for each in pieces)


def _paragraphs(text: str) -> list[str]:
    """Return a text as one paragraph, with its lists (of graphs, say) as paragraphs after it.

    A list is a paragraph with indented lines. All of its lines are indented here, so that none of
    them passes for a trailer.
    """
    parts = re.split(r"\n[ \t]*\n", text)
    lists = [each for each in parts if re.search(r"^[ \t]+\S", each, re.MULTILINE)]
    prose = _wrap("\n\n".join(each for each in parts if each not in lists))
    return [each for each in (prose, *map(_list, lists)) if each]


def _list(text: str) -> str:
    """Fill the lines of a list one by one, indented as they are and by two columns more.

    Of its items (the lines that are indented) the first `MAX_ITEMS` are kept, the others counted,
    and their headings dropped.
    """
    lines = [each for each in text.splitlines() if each.strip()]
    dropped = [n for n, each in enumerate(lines) if each[0].isspace()][MAX_ITEMS:]
    kept = lines[: dropped[0]] if dropped else lines
    while dropped and not kept[-1][0].isspace():
        kept = kept[:-1]
    more = [f"  … and {len(dropped)} more"] if dropped else []
    return "\n".join(_filled(each) for each in (*kept, *more))


def _filled(line: str) -> str:
    """Fill a line of a list, indented by two columns more than it is."""
    indent = "  " + " " * (len(line) - len(line.lstrip()))
    return textwrap.fill(
        " ".join(line.split()),
        MAX_BODY_COLUMNS,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_on_hyphens=False,
        break_long_words=False,
    )


def _wrap(text: str) -> str:
    """Fill text to lines of a commit body, as one paragraph without the old line breaks."""
    # Paragraphs are filled anew: a line of the rationale must not pass for a trailer.
    return textwrap.fill(
        " ".join(text.split()), MAX_BODY_COLUMNS, break_on_hyphens=False, break_long_words=False
    )
