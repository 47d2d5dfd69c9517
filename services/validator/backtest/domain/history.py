"""Finding out from a history which of its commits were reverted or fixed later.

It uses the commits named in messages, and the SZZ approximation of Śliwerski, Zimmermann and Zeller
("When do changes induce fixes?", MSR 2005): a commit whose message says that it fixes something is
about the commits that wrote the lines it changes. That errs in both directions: a fix may change
lines that were not at fault, and most faults are never called a fix. It is evidence, not proof.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from shared.contracts.documents.backtests import CorrectiveCommit

# A fix that comes later than this many commits says little about the change.
MAX_COMMITS_TO_FIX = 20

REVERTS = re.compile(r"\bThis reverts commit ([0-9a-f]{7,40})")
REVERTED_TITLE = re.compile(r'^Revert "(.+)"$')
FIXES = re.compile(r"^Fixes: ([0-9a-f]{7,40})\b", re.MULTILINE | re.IGNORECASE)
SAYS_FIX = re.compile(
    r"\b(?:(?:bug|hot)?fix(?:e[sd]|ing)?|bugs?|regressions?|broken|crash(?:es)?|repair(?:s|ed)?)\b",
    re.IGNORECASE,
)
# A fix of these is not about the behaviour of the code.
ABOUT_WORDS = re.compile(
    r"\b(?:typos?|docs?|docstrings?|documentation|readme|changelog|spelling|grammar|lint(?:er|ing)?|"
    r"flake8|ruff|black|isort|mypy|format(?:ting)?|whitespace|style|ci|workflows?|tests?)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Commit:
    """A commit on a branch's first-parent line; `merge` says that it merges another branch."""

    oid: str
    parent: str
    message: str
    at: datetime
    merge: bool = False

    @property
    def title(self) -> str:
        """The first line of the message."""
        return self.message.strip().partition("\n")[0].strip()


def reverts(line: Sequence[Commit]) -> dict[str, CorrectiveCommit]:
    """Return by reverted commit the commit that reverts it; `line` is oldest first.

    A revert that was itself reverted does not count.
    """
    found: dict[str, CorrectiveCommit] = {}
    for place in range(len(line) - 1, -1, -1):
        revert = line[place]
        if revert.oid in found:
            continue
        for meant, how in _undone_commits(revert, line[:place]):
            later = CorrectiveCommit(
                kind="reverted", commit=revert.oid, title=revert.title, detected_by=how
            )
            found.setdefault(meant.oid, later)
    return found


def _undone_commits(revert: Commit, before: Sequence[Commit]) -> Iterator[tuple[Commit, str]]:
    """Yield the earlier commits that a commit undoes, each with how it is known: named or title.

    The title counts if the message names none, for the newest commit of that title.
    """
    named = {each.oid for each in _commits_named(REVERTS, revert.message, before)}
    yield from ((each, "named") for each in before if each.oid in named)
    title = REVERTED_TITLE.match(revert.title)
    if title and not named:
        alike = [each for each in before if each.title == title[1]]
        yield from ((each, "title") for each in alike[-1:])


def named_fixes(line: Sequence[Commit]) -> dict[str, list[CorrectiveCommit]]:
    """Return by commit the later commits that name it in a `Fixes: <commit>` trailer."""
    found: dict[str, list[CorrectiveCommit]] = {}
    for place, fix in enumerate(line):
        for meant in _commits_named(FIXES, fix.message, line[:place]):
            later = CorrectiveCommit(
                kind="fixed", commit=fix.oid, title=fix.title, detected_by="named"
            )
            found.setdefault(meant.oid, []).append(later)
    return found


def _commits_named(pattern: re.Pattern[str], message: str, among: Sequence[Commit]) -> list[Commit]:
    """Return those commits whose (abbreviated) hash the pattern finds in the message."""
    names = pattern.findall(message)
    return [each for each in among if any(each.oid.startswith(name) for name in names)]


def is_fix(commit: Commit) -> bool:
    """Return True if a message tells of a fix: no revert, nor a title on docs, tests or style."""
    if REVERTED_TITLE.match(commit.title) or REVERTS.search(commit.message):
        return False
    return bool(SAYS_FIX.search(commit.message)) and not ABOUT_WORDS.search(commit.title)


def blamed_fixes(
    line: Sequence[Commit], blamed: Mapping[str, Collection[str]]
) -> dict[str, list[CorrectiveCommit]]:
    """Return by commit the fixes of its lines within the next `MAX_COMMITS_TO_FIX` commits.

    `blamed` has the commits that wrote the lines of each fix.
    """
    place = {each.oid: number for number, each in enumerate(line)}
    found: dict[str, list[CorrectiveCommit]] = {}
    for fix in line:
        for culprit in sorted(blamed.get(fix.oid, ()), key=lambda each: place.get(each, -1)):
            if culprit in place and 0 < place[fix.oid] - place[culprit] <= MAX_COMMITS_TO_FIX:
                later = CorrectiveCommit(
                    kind="fixed", commit=fix.oid, title=fix.title, detected_by="blame"
                )
                found.setdefault(culprit, []).append(later)
    return found


def corrective_commits(
    line: Sequence[Commit], blamed: Mapping[str, Collection[str]]
) -> dict[str, tuple[CorrectiveCommit, ...]]:
    """Return by commit, if it has any, its revert, then fixes that name it, then fixes by blame."""
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
