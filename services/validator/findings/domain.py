"""Whether a change keeps its word about findings: what it claims to fix is gone, and nothing as bad is new."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from shared.contracts.base import Severity
from shared.contracts.documents.findings import Finding
from shared.detectors.findings import plain
from shared.detectors.rules import SECURITY
from shared.detectors.texts import line_at, split_lines

WORST_FIRST = (Severity.ERROR, Severity.WARNING, Severity.NOTE)
# Findings of the target's own repairing command; to look for them again is to run it.
OWN = "own"
SHOWN = 3


@dataclass(frozen=True)
class FileLook:
    """A file of one tree as the detectors see it; without the file, nothing."""

    text: str = ""
    findings: tuple[Finding, ...] = ()


Look = Mapping[str, FileLook]
NOTHING = FileLook()


@dataclass(frozen=True)
class FindingsCheck:
    """Of what a change claims to fix, what is gone and what is not; and what is new and as bad."""

    gone: tuple[Finding, ...] = ()
    still_there: tuple[Finding, ...] = ()
    new: tuple[Finding, ...] = ()

    @property
    def broken(self) -> str:
        """The promise that was not kept, in words; empty where all were."""
        said = []
        if self.still_there:
            said.append(f"it claims to fix {_list(self.still_there)}, which is still there")
        if self.new:
            said.append(f"it adds {_list(self.new)}")
        return "; ".join(said)


def compare(
    claimed: Sequence[Finding], before: Look, after: Look, *, owed: Collection[str] = ()
) -> FindingsCheck:
    """By fingerprint, in the files that a change touches.

    New is what has a fingerprint of its own, unless the change rewrote the line of a finding of the
    same rule that it left alone, or a change that stands on it is there to fix it (`owed`). What is
    milder than all that is claimed does not count (where nothing is claimed, what is no error),
    except for what opens a door: that always does.
    """
    measured = [each for each in claimed if each.tool != OWN]
    floor = max((WORST_FIRST.index(each.severity) for each in measured), default=0)
    touched = {*before, *after}
    # What it does not touch it did not fix.
    still = [each for each in measured if each.path not in touched]
    new: list[Finding] = []
    for path in sorted(touched):
        mine = [each for each in measured if each.path == path]
        there, added = _compare_file(mine, before.get(path, NOTHING), after.get(path, NOTHING))
        still += there
        new += [
            each
            for each in added
            if each.rule in SECURITY
            or (WORST_FIRST.index(each.severity) <= floor and each.fingerprint not in owed)
        ]
    left = {each.fingerprint for each in still}
    gone = tuple(each for each in measured if each.fingerprint not in left)
    return FindingsCheck(gone, tuple(still), tuple(new))


def not_measured(claimed: Iterable[Finding]) -> str:
    """A sentence about the claims that nobody looked at; empty where there are none."""
    count = sum(each.tool == OWN for each in claimed)
    if not count:
        return ""
    return (
        f"not measured: whether {count} finding{'s' if count > 1 else ''} of the target's own "
        "repairing command are gone; that would be to run it"
    )


def _compare_file(
    claimed: Sequence[Finding], before: FileLook, after: FileLook
) -> tuple[list[Finding], list[Finding]]:
    """Of one file: what was claimed and is still there, and what is new."""
    was = {each.fingerprint: each for each in before.findings}
    now = {each.fingerprint: each for each in after.findings}
    promised = {each.fingerprint for each in claimed}
    # Vanished without a word: each of these may be what one that appeared was, before its line changed.
    spare = [each for key, each in was.items() if key not in now and key not in promised]
    still = [now[each.fingerprint] for each in claimed if each.fingerprint in now]
    new = [each for key, each in now.items() if key not in was and key not in promised]
    pair = _Pairing(before.text, after.text, spare)
    return [e for e in still if not pair.equal(e)], [e for e in new if not pair.rewritten(e)]


class _Pairing:
    """Findings of before that vanished, each given once to one of after that it can be."""

    def __init__(self, before: str, after: str, spare: Iterable[Finding]) -> None:
        self._before = split_lines(before)
        self._after = split_lines(after)
        self._spare = list(spare)
        self._hunks: list[tuple[range, range]] | None = None

    def equal(self, found: Finding) -> bool:
        """Of lines that read the same the first were fixed, and the last now have their numbers."""
        text = plain(line_at(self._after, found.line))
        return self._take(
            each
            for each in self._spare
            if each.rule == found.rule and plain(line_at(self._before, each.line)) == text
        )

    def rewritten(self, found: Finding) -> bool:
        """Its line is one that the change wrote where one with the same finding was."""
        old = [before for before, after in self._changed() if found.line - 1 in after]
        return self._take(
            each
            for each in self._spare
            if each.rule == found.rule and any(each.line - 1 in lines for lines in old)
        )

    def _take(self, fitting: Iterator[Finding]) -> bool:
        found = next(fitting, None)
        if found is not None:
            self._spare.remove(found)
        return found is not None

    def _changed(self) -> list[tuple[range, range]]:
        if self._hunks is None:
            codes = SequenceMatcher(None, self._before, self._after, autojunk=False).get_opcodes()
            self._hunks = [
                (range(a, b), range(c, d)) for tag, a, b, c, d in codes if tag != "equal"
            ]
        return self._hunks


def _list(findings: Sequence[Finding]) -> str:
    shown = [f"{each.rule} at {each.path}:{each.line}" for each in findings[:SHOWN]]
    more = len(findings) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
