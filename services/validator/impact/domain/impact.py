"""Which tests a change can have an effect on, from what was recorded on an earlier tree.

Such an answer is quick, and not sound: what a first test leaves behind for others, or finds out through a
subprocess of a subprocess, is not recorded. So it decides what is run first, and never what lands.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from services.validator.suite.domain.recording import ImpactMap, Mask, union
from services.validator.suite.domain.sources import Source, Touched, read_source, touched

# From this share of functions on, what was recorded says too little about the head.
STALE = 0.1


@dataclass(frozen=True)
class Change:
    """One file as it was recorded, and before and after a change; None where it is not there.

    The change is what differs between `before` and `after`. What else the head has by now that was not
    recorded is no part of it.
    """

    recorded: str | None
    before: str | None
    after: str | None


def impacted(
    recorded: ImpactMap, changes: Mapping[str, Change], present: Collection[str] = ()
) -> frozenset[str] | None:
    """The tests that a change of these files can have an effect on; None is all of them.

    Tests whose reach is unknown are always among them, and so are those of `present`, the tests that there
    are by now, that were not recorded.
    """
    mask = 0
    for path, change in changes.items():
        found = _impacted(recorded, path, change)
        if found is None:
            return None
        mask |= found
    new = frozenset(present) - frozenset(recorded.tests)
    return recorded.named(mask) | recorded.unknown | new


def _impacted(recorded: ImpactMap, path: str, change: Change) -> Mask | None:
    sources = _sources(change)
    if sources is None or not recorded.has(path):
        return None
    then, before, after = sources
    what = touched(before, after)
    functions = [then.functions.get(name) for name in what.functions]
    known = [each for each in functions if each is not None]
    wider = len(known) < len(functions) or any(recorded.runs_at_import(path, f) for f in known)
    wider = wider or (bool(what.functions) and path.rpartition("/")[2] == "conftest.py")
    mask = union(recorded.reaching(path, each) for each in known)
    return mask | recorded.depending(path) if what.module or wider else mask


def _sources(change: Change) -> tuple[Source, Source, Source] | None:
    """None where a file is new or gone, or is no Python."""
    if change.recorded is None or change.before is None or change.after is None:
        return None
    then, before, after = map(read_source, (change.recorded, change.before, change.after))
    return None if then is None or before is None or after is None else (then, before, after)


def reaching(
    recorded: ImpactMap, path: str, change: Change, lines: Iterable[int]
) -> frozenset[str] | None:
    """The tests that reach what has these lines, counted in the file after a change; None is unknown.

    Where that runs at import, all tests that depend on the file.
    """
    sources = _sources(change)
    if sources is None or not recorded.has(path):
        return None
    then, _, after = sources
    mask = 0
    for function in {after.at(line) for line in lines}:
        if function is None:
            mask |= recorded.depending(path)
        elif (known := then.functions.get(function.name)) is None:
            return None
        else:
            mask |= recorded.reaching(path, known)
            mask |= recorded.depending(path) if recorded.runs_at_import(path, known) else 0
    return recorded.named(mask)


def known_to_reach(recorded: ImpactMap, path: str, text: str, name: str) -> frozenset[str]:
    """The tests that reached the function of that name in the file as it was recorded (`text`).

    Of none it is said where that cannot be told, and tests whose reach is unknown are not among them.
    """
    source = read_source(text)
    function = source.only(name) if source is not None else None
    if function is None:
        return frozenset()
    return recorded.named(recorded.reaching(path, function)) - recorded.unknown


def stale(recorded: ImpactMap, changes: Mapping[str, Change]) -> bool:
    """Whether so many functions differ between the recorded tree and the head that it is worth recording again.

    `changes` are the files that differ, with the head's text as `after`.
    """
    changed = sum(_changed(recorded, path, change) for path, change in changes.items())
    return changed > STALE * max(recorded.functions, 1)


def _changed(recorded: ImpactMap, path: str, change: Change) -> int:
    sources = _sources(Change(change.recorded, change.recorded, change.after))
    everything = len(recorded.reached.get(path, {}))
    if sources is None:
        return everything
    then, _, after = sources
    what: Touched = touched(then, after)
    return everything if what.module else len(what.functions)
