"""Compares findings before and after a change: what it claims to fix is gone, none as bad is new.

An agent checks so what it is about to propose, and the gate what it is given.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from shared.contracts.base import Severity
from shared.contracts.documents.findings import Finding
from shared.detectors.findings import SEVERITY_WEIGHTS, normalized
from shared.detectors.texts import line_at, split_lines

WORST_FIRST = (Severity.ERROR, Severity.WARNING, Severity.NOTE)
MAX_LISTED_FINDINGS = 3


@dataclass(frozen=True)
class FileFindings:
    """A file of one tree with its findings; the default is a file that does not exist."""

    text: str = ""
    findings: tuple[Finding, ...] = ()


TreeFindings = Mapping[str, FileFindings]
NO_FILE = FileFindings()


@dataclass(frozen=True)
class FindingsCheck:
    """Of the claimed findings, those that are gone and those that remain; and new ones as bad."""

    gone: tuple[Finding, ...] = ()
    still_there: tuple[Finding, ...] = ()
    new: tuple[Finding, ...] = ()

    @property
    def broken(self) -> str:
        """The broken promise in words; empty where everything claimed is true."""
        parts = []
        if self.still_there:
            parts.append(f"it claims to fix {_listed(self.still_there)}, which is still there")
        if self.new:
            parts.append(f"it adds {_listed(self.new)}")
        return "; ".join(parts)


def compare(claimed: Sequence[Finding], before: TreeFindings, after: TreeFindings) -> FindingsCheck:
    """Compare findings by fingerprint, in the files that a change touches.

    A finding is new if its fingerprint is, unless the change rewrote the line of a finding of the
    same rule that it left alone. One that is milder than all claimed ones does not count (where
    nothing is claimed: one that is no error), except for a security finding, which always does.
    Those that the fixes make possible do not count either, if together they are no worse than
    what is gone.
    """
    floor = max((WORST_FIRST.index(each.severity) for each in claimed), default=0)
    # What it does not touch it did not fix.
    still = [each for each in claimed if each.path not in {*before, *after}]
    new: list[Finding] = []
    made_possible: list[Finding] = []
    for path in sorted({*before, *after}):
        mine = [each for each in claimed if each.path == path]
        file = FileComparison(mine, before.get(path, NO_FILE), after.get(path, NO_FILE))
        still += file.still
        counting = [e for e in file.new if e.security or WORST_FIRST.index(e.severity) <= floor]
        new += [each for each in counting if not file.makes_possible(each)]
        made_possible += [each for each in counting if file.makes_possible(each)]
    left = {each.fingerprint for each in still}
    gone = tuple(each for each in claimed if each.fingerprint not in left)
    if _weight(made_possible) > _weight(gone):
        new += made_possible
    return FindingsCheck(gone, tuple(still), tuple(new))


def _weight(findings: Iterable[Finding]) -> float:
    """Return how bad findings are together."""
    return sum(SEVERITY_WEIGHTS[each.severity] for each in findings)


class FileComparison:
    """The findings of one file before and after a change that claims to fix some of them.

    `still` are claimed ones that remain. `origins` are the others that were there before as well:
    the fingerprint of then by that of now. `new` are the rest.
    """

    def __init__(
        self, claimed: Sequence[Finding], before: FileFindings, after: FileFindings
    ) -> None:
        self._claimed = claimed
        was = {each.fingerprint: each for each in before.findings}
        now = {each.fingerprint: each for each in after.findings}
        promised = {each.fingerprint for each in claimed}
        # Gone unclaimed: each of these may be one that is new only because its line changed.
        spare = [each for key, each in was.items() if key not in now and key not in promised]
        self._pairing = _Pairing(before.text, after.text, spare)
        self.origins = {key: key for key in now if key in was and key not in promised}
        self.still = [now[e.fingerprint] for e in claimed if e.fingerprint in now]
        self.still = [each for each in self.still if not self._matches_equal_line(each)]
        new = [each for key, each in now.items() if key not in was and key not in promised]
        self.new = [each for each in new if not self._matches_rewritten_line(each)]

    def makes_possible(self, found: Finding) -> bool:
        """Return whether a new finding can be fixed and comes of what was fixed.

        It does so on a line that the change left alone, or wrote in place of a claimed finding of
        another rule.
        """
        claimed_rules = {each.rule for each in self._claimed}
        if found.fixable == "no" or found.security or found.rule in claimed_rules:
            return False
        hunks = [old for old, new in self._pairing.changed() if found.line - 1 in new]
        rows = [each.line - 1 for each in self._claimed]
        return all(any(row in old for row in rows) for old in hunks)

    def _matches_equal_line(self, found: Finding) -> bool:
        """Return whether it is another one than was claimed, on a line with equal text."""
        return self._matches(found, self._pairing.take_equal_line(found))

    def _matches_rewritten_line(self, found: Finding) -> bool:
        """Return whether it was there before, on a line that was rewritten since."""
        return self._matches(found, self._pairing.take_rewritten_line(found))

    def _matches(self, found: Finding, origin: Finding | None) -> bool:
        """Remember what a finding was before, and return whether it was anything."""
        if origin is not None:
            self.origins[found.fingerprint] = origin.fingerprint
        return origin is not None


class _Pairing:
    """Pairs each vanished finding with at most one remaining or new one that it may be."""

    def __init__(self, before: str, after: str, spare: Iterable[Finding]) -> None:
        self._before = split_lines(before)
        self._after = split_lines(after)
        self._spare = list(spare)
        self._hunks: list[tuple[range, range]] | None = None

    def take_equal_line(self, found: Finding) -> Finding | None:
        """Return the finding that it is if it was on a line with equal text, under another index.

        Of lines with equal text the first were fixed, and the last now have their indices.
        """
        text = normalized(line_at(self._after, found.line))
        return self._take(
            each
            for each in self._spare
            if each.rule == found.rule and normalized(line_at(self._before, each.line)) == text
        )

    def take_rewritten_line(self, found: Finding) -> Finding | None:
        """Return the finding of the same rule that was where the change wrote its line."""
        old = [before for before, after in self.changed() if found.line - 1 in after]
        return self._take(
            each
            for each in self._spare
            if each.rule == found.rule and any(each.line - 1 in lines for lines in old)
        )

    def _take(self, fitting: Iterator[Finding]) -> Finding | None:
        """Use up and return the first fitting vanished finding; None if there is none."""
        found = next(fitting, None)
        if found is not None:
            self._spare.remove(found)
        return found

    def changed(self) -> list[tuple[range, range]]:
        """Return the (old, new) ranges of line indices that the change rewrote, from 0."""
        if self._hunks is None:
            self._hunks = _changed_lines(self._before, self._after)
        return self._hunks


def _changed_lines(before: Sequence[str], after: Sequence[str]) -> list[tuple[range, range]]:
    """Return the (old, new) ranges of line indices that differ, from 0.

    What both begin and end with is left out first: comparing takes more time the more lines it is.
    """
    shorter = min(len(before), len(after))
    first = next((n for n in range(shorter) if before[n] != after[n]), shorter)
    rest = shorter - first
    last = next((n for n in range(rest) if before[-1 - n] != after[-1 - n]), rest)
    old, new = before[first : len(before) - last], after[first : len(after) - last]
    codes = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return [
        (range(first + a, first + b), range(first + c, first + d))
        for tag, a, b, c, d in codes
        if tag != "equal"
    ]


def _listed(findings: Sequence[Finding]) -> str:
    """Name the first findings by rule and place, and say how many more there are."""
    shown = [f"{each.code} at {each.path}:{each.line}" for each in findings[:MAX_LISTED_FINDINGS]]
    more = len(findings) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
