"""What a history says about its own commits: which were taken back, and which somebody had to fix.

By names in messages, and by the approximation of Śliwerski, Zimmermann and Zeller ("When do changes
induce fixes?", MSR 2005): a commit whose message says that it fixes something is about the commits
that wrote the lines it changes. That is noisy in both ways. A fix may change lines that were
not at fault, and most faults are never fixed under that word; so it is evidence, and no proof.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.contracts.documents.backtests import CorrectiveCommit

# A fix that comes later than so many commits says little about how the change was made.
WINDOW = 20
SHORTEST = 7

REVERTS = re.compile(r"\bThis reverts commit ([0-9a-f]{7,40})")
REVERTED_TITLE = re.compile(r'^Revert "(.+)"$')
FIXES = re.compile(r"^Fixes: ([0-9a-f]{7,40})\b", re.MULTILINE | re.IGNORECASE)
SAYS_FIX = re.compile(
    r"\b(?:(?:bug|hot)?fix(?:e[sd]|ing)?|bugs?|regressions?|broken|crash(?:es)?|repair(?:s|ed)?)\b",
    re.IGNORECASE,
)
# Such a fix is not about what the code does.
ABOUT_WORDS = re.compile(
    r"\b(?:typos?|docs?|docstrings?|documentation|readme|changelog|spelling|grammar|lint(?:er|ing)?|"
    r"flake8|ruff|black|isort|mypy|format(?:ting)?|whitespace|style|ci|workflows?|tests?)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Commit:
    """A commit on a branch's first-parent line. `merge` says that it brings another line in."""

    oid: str
    parent: str
    message: str
    at: datetime
    merge: bool = False

    @property
    def title(self) -> str:
        """The first line of its message."""
        return self.message.strip().partition("\n")[0].strip()


def reverts(line: Sequence[Commit]) -> dict[str, CorrectiveCommit]:
    """Of a line, oldest first: which commits were taken back, by which; a revert taken back takes nothing back."""
    found: dict[str, CorrectiveCommit] = {}
    for place in range(len(line) - 1, -1, -1):
        revert = line[place]
        if revert.oid in found:
            continue
        for meant, how in _meant(revert, line[:place]):
            later = CorrectiveCommit(
                kind="reverted", commit=revert.oid, title=revert.title, detected_by=how
            )
            found.setdefault(meant.oid, later)
    return found


def _meant(revert: Commit, before: Sequence[Commit]) -> Iterator[tuple[Commit, str]]:
    named = {each.oid for each in _named(REVERTS, revert.message, before)}
    yield from ((each, "named") for each in before if each.oid in named)
    title = REVERTED_TITLE.match(revert.title)
    if title and not named:
        alike = [each for each in before if each.title == title[1]]
        yield from ((each, "title") for each in alike[-1:])


def named_fixes(line: Sequence[Commit]) -> dict[str, list[CorrectiveCommit]]:
    """Which commits a later one says in so many words (`Fixes: <commit>`) that it fixes."""
    found: dict[str, list[CorrectiveCommit]] = {}
    for place, fix in enumerate(line):
        for meant in _named(FIXES, fix.message, line[:place]):
            later = CorrectiveCommit(
                kind="fixed", commit=fix.oid, title=fix.title, detected_by="named"
            )
            found.setdefault(meant.oid, []).append(later)
    return found


def _named(pattern: re.Pattern[str], message: str, among: Sequence[Commit]) -> list[Commit]:
    said = pattern.findall(message)
    return [each for each in among if any(each.oid.startswith(name) for name in said)]


def is_fix(commit: Commit) -> bool:
    """Whether its message says that it mends what the code does, and not that it takes something back."""
    if REVERTED_TITLE.match(commit.title) or REVERTS.search(commit.message):
        return False
    return bool(SAYS_FIX.search(commit.message)) and not ABOUT_WORDS.search(commit.title)


def blamed_fixes(
    line: Sequence[Commit], blamed: Mapping[str, Collection[str]]
) -> dict[str, list[CorrectiveCommit]]:
    """Which commits wrote what a fix within the next `WINDOW` commits changed; `blamed` is by fix."""
    place = {each.oid: number for number, each in enumerate(line)}
    found: dict[str, list[CorrectiveCommit]] = {}
    for fix in line:
        for culprit in sorted(blamed.get(fix.oid, ()), key=lambda each: place.get(each, -1)):
            if culprit in place and 0 < place[fix.oid] - place[culprit] <= WINDOW:
                later = CorrectiveCommit(
                    kind="fixed", commit=fix.oid, title=fix.title, detected_by="blame"
                )
                found.setdefault(culprit, []).append(later)
    return found


def truth(
    line: Sequence[Commit], blamed: Mapping[str, Collection[str]]
) -> dict[str, tuple[CorrectiveCommit, ...]]:
    """All that the line says against each of its commits."""
    taken_back, named, by_blame = reverts(line), named_fixes(line), blamed_fixes(line, blamed)
    said: dict[str, tuple[CorrectiveCommit, ...]] = {}
    for each in line:
        fixes = named.get(each.oid, [])
        known = {later.commit for later in fixes}
        blamed_for = by_blame.get(each.oid, [])
        fixes = [*fixes, *(later for later in blamed_for if later.commit not in known)]
        reverted = [taken_back[each.oid]] if each.oid in taken_back else []
        if reverted or fixes:
            said[each.oid] = (*reverted, *fixes)
    return said
