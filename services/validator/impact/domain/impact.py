"""Selects the tests that a change can affect, by which functions each test reached before.

The selection is quick but not sound: what one test leaves behind for others, or learns through a
subprocess of a subprocess, is not recorded. So it decides what runs first, and never what lands.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from services.validator.suite.domain.recording import ImpactMap, Mask, union
from services.validator.suite.domain.sources import ParsedSource, compare_sources, read_source

# If more than this share of the functions changed, the recording says too little about the head.
MAX_CHANGED_SHARE = 0.1


@dataclass(frozen=True)
class Change:
    """The text of a file when it was recorded, before a change and after it; None if missing.

    The change is the difference between `before` and `after`, whatever else changed since the
    recording.
    """

    recorded: str | None
    before: str | None
    after: str | None


def impacted_tests(
    recorded: ImpactMap, changes: Mapping[str, Change], present: Collection[str] = ()
) -> frozenset[str] | None:
    """Return the tests that a change of these files can affect; None is all of them.

    Tests whose reach is unknown are always included, and so are those of `present` (the tests that
    exist now) that were not recorded.
    """
    mask = 0
    for path, change in changes.items():
        found = _impacted_mask(recorded, path, change)
        if found is None:
            return None
        mask |= found
    new = frozenset(present) - frozenset(recorded.tests)
    return recorded.named(mask) | recorded.unknown | new


def _impacted_mask(recorded: ImpactMap, path: str, change: Change) -> Mask | None:
    """Return the tests that a change of one file can affect, as a bit mask; None is all."""
    sources = _sources(change)
    if sources is None or not recorded.has(path):
        return None
    then, before, after = sources
    difference = compare_sources(before, after)
    functions = [then.functions.get(name) for name in difference.functions]
    known = [each for each in functions if each is not None]
    is_wider = len(known) < len(functions) or any(recorded.runs_at_import(path, f) for f in known)
    is_wider = is_wider or (bool(difference.functions) and path.rpartition("/")[2] == "conftest.py")
    mask = union(recorded.reaching(path, each) for each in known)
    return mask | recorded.depending(path) if difference.module or is_wider else mask


def _sources(change: Change) -> tuple[ParsedSource, ParsedSource, ParsedSource] | None:
    """Parse the three texts; None if one is missing (added, removed) or is not valid Python."""
    if change.recorded is None or change.before is None or change.after is None:
        return None
    then, before, after = map(read_source, (change.recorded, change.before, change.after))
    return None if then is None or before is None or after is None else (then, before, after)


def reaching_tests(
    recorded: ImpactMap, path: str, change: Change, lines: Iterable[int]
) -> frozenset[str] | None:
    """Return the tests that reach the functions with these lines of the changed file.

    Where a line runs at import, these are all tests that depend on the file. None is unknown.
    """
    sources = _sources(change)
    if sources is None or not recorded.has(path):
        return None
    then, _, after = sources
    mask = 0
    for function in {after.function_at(line) for line in lines}:
        if function is None:
            mask |= recorded.depending(path)
        elif (known := then.functions.get(function.name)) is None:
            return None
        else:
            mask |= recorded.reaching(path, known)
            mask |= recorded.depending(path) if recorded.runs_at_import(path, known) else 0
    return recorded.named(mask)


def reaching_tests_of_function(
    recorded: ImpactMap, path: str, text: str, name: str
) -> frozenset[str]:
    """Return the tests that reached a function of the file as it was recorded (`text`).

    It is empty if the function is not there exactly once. Tests whose reach is unknown are left
    out.
    """
    source = read_source(text)
    function = source.unique_function(name) if source is not None else None
    if function is None:
        return frozenset()
    return recorded.named(recorded.reaching(path, function)) - recorded.unknown


def is_stale(recorded: ImpactMap, changes: Mapping[str, Change]) -> bool:
    """Return true if so many functions changed since the recording that a new one is worth a run.

    `changes` are the files that differ, with the head's text as `after`.
    """
    changed = sum(_count_changed(recorded, path, change) for path, change in changes.items())
    return changed > MAX_CHANGED_SHARE * max(recorded.functions, 1)


def _count_changed(recorded: ImpactMap, path: str, change: Change) -> int:
    """Count a file's functions that differ from the recording; all if that is not known."""
    sources = _sources(Change(change.recorded, change.recorded, change.after))
    everything = len(recorded.reached.get(path, {}))
    if sources is None:
        return everything
    then, _, after = sources
    difference = compare_sources(then, after)
    return everything if difference.module else len(difference.functions)
