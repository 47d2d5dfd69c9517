"""Check a change's findings: those it claims to fix are gone, and none as bad is new."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from shared.contracts.base import Severity
from shared.contracts.documents.findings import Finding
from shared.detectors.findings import normalized
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
class TreePair:
    """The trees (object ids) without and with a change, and the detectors that compare them.

    `detectors` are names among those of `agent_type`. Without an agent type all detectors of all
    registered types are run.
    """

    before: str
    after: str
    agent_type: str = ""
    detectors: frozenset[str] = frozenset()


@dataclass(frozen=True)
class MeasuredPair:
    """The files in which two trees differ, by path, as each tree has them.

    `tools` are those of the detectors that were run: a finding of another one was not measured.
    """

    before: TreeFindings = field(default_factory=dict)
    after: TreeFindings = field(default_factory=dict)
    tools: frozenset[str] = frozenset()


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


def compare(
    claimed: Sequence[Finding],
    before: TreeFindings,
    after: TreeFindings,
    *,
    owed: Collection[str] = (),
) -> FindingsCheck:
    """Compare findings by fingerprint, in the files that a change touches.

    A finding is new if its fingerprint is, unless the change rewrote the line of an unclaimed one
    of the same rule that is gone, or a change that builds on it is there to fix it (`owed`). One
    that is milder than all claimed ones does not count (where nothing is claimed: one that is no
    error). A security finding always does. A claim in an untouched file is still there.
    """
    floor = max((WORST_FIRST.index(each.severity) for each in claimed), default=0)
    touched = {*before, *after}
    # What it does not touch it did not fix.
    still = [each for each in claimed if each.path not in touched]
    new: list[Finding] = []
    for path in sorted(touched):
        mine = [each for each in claimed if each.path == path]
        there, added = _compare_file(mine, before.get(path, NO_FILE), after.get(path, NO_FILE))
        still += there
        new += [
            each
            for each in added
            if each.security
            or (WORST_FIRST.index(each.severity) <= floor and each.fingerprint not in owed)
        ]
    left = {each.fingerprint for each in still}
    gone = tuple(each for each in claimed if each.fingerprint not in left)
    return FindingsCheck(gone, tuple(still), tuple(new))


def not_measured(claimed: Iterable[Finding], tools: Collection[str]) -> str:
    """Return a sentence about claims of tools that were not run; empty where there are none."""
    count = sum(each.tool not in tools for each in claimed)
    if not count:
        return ""
    plural = "findings" if count > 1 else "finding"
    return (
        f"not measured: whether {count} {plural} of a detector that the gate does not run are gone"
    )


def _compare_file(
    claimed: Sequence[Finding], before: FileFindings, after: FileFindings
) -> tuple[list[Finding], list[Finding]]:
    """Return the claimed findings of one file that remain, and the new ones."""
    was = {each.fingerprint: each for each in before.findings}
    now = {each.fingerprint: each for each in after.findings}
    promised = {each.fingerprint for each in claimed}
    # Gone unclaimed: each of these may be one that is new only because its line changed.
    spare = [each for key, each in was.items() if key not in now and key not in promised]
    still = [now[each.fingerprint] for each in claimed if each.fingerprint in now]
    new = [each for key, each in now.items() if key not in was and key not in promised]
    pair = _Pairing(before.text, after.text, spare)
    return (
        [each for each in still if not pair.matches_equal_line(each)],
        [each for each in new if not pair.matches_rewritten_line(each)],
    )


class _Pairing:
    """Pairs each vanished finding with at most one remaining or new one that it may be."""

    def __init__(self, before: str, after: str, spare: Iterable[Finding]) -> None:
        self._before = split_lines(before)
        self._after = split_lines(after)
        self._spare = list(spare)
        self._hunks: list[tuple[range, range]] | None = None

    def matches_equal_line(self, found: Finding) -> bool:
        """Return true if it was there before under another index, on a line with equal text.

        Of lines with equal text the first were fixed, and the last now have their indices. Uses up
        the vanished finding.
        """
        text = normalized(line_at(self._after, found.line))
        return self._take(
            each
            for each in self._spare
            if each.rule == found.rule and normalized(line_at(self._before, each.line)) == text
        )

    def matches_rewritten_line(self, found: Finding) -> bool:
        """Return true if its line was written over a vanished finding of its rule; uses that up."""
        old = [before for before, after in self._changed() if found.line - 1 in after]
        return self._take(
            each
            for each in self._spare
            if each.rule == found.rule and any(each.line - 1 in lines for lines in old)
        )

    def _take(self, fitting: Iterator[Finding]) -> bool:
        """Use up the first fitting vanished finding; return true if there is one."""
        found = next(fitting, None)
        if found is not None:
            self._spare.remove(found)
        return found is not None

    def _changed(self) -> list[tuple[range, range]]:
        """Return the (old, new) ranges of line indices that the change rewrote, from 0."""
        if self._hunks is None:
            codes = SequenceMatcher(None, self._before, self._after, autojunk=False).get_opcodes()
            self._hunks = [
                (range(a, b), range(c, d)) for tag, a, b, c, d in codes if tag != "equal"
            ]
        return self._hunks


def _listed(findings: Sequence[Finding]) -> str:
    """Name the first findings by rule and place, and say how many more there are."""
    shown = [f"{each.code} at {each.path}:{each.line}" for each in findings[:MAX_LISTED_FINDINGS]]
    more = len(findings) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
