"""Coverage of what changes touch: whether tests still get into the functions that they got into before.

What was recorded before is known by function and not by line, so it is asked of functions now as well: a
change in a branch that no test ever took lowers nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from services.validator.mutation.domain.mutants import Code, Mutant, When
from services.validator.mutation.domain.operators import entry
from services.validator.mutation.domain.plan import MutationPlan, PlacedMutant, Trial, written
from services.validator.suite.domain.sources import Function, read_source
from shared.contracts.documents.protection import LostCoverage

# How many tests reached a function before, by its path and name.
Before = Callable[[str, str], int]


@dataclass(frozen=True)
class Entry:
    """A function with these `faults`, that so many tests reached `before`; who calls it reaches what is planted as `id`."""

    id: int
    path: str
    function: str
    before: int
    faults: frozenset[int]


def with_entries(
    planting: MutationPlan, texts: Mapping[str, bytes], before: Before
) -> tuple[MutationPlan, tuple[Entry, ...]]:
    """The same, and in functions that tests reached before a place at the beginning, which is for no change.

    `texts` are those that the faults are planted in.
    """
    entries: list[Entry] = []
    for path in sorted(planting.files):
        code = Code.read(texts[path])
        mine = [each for each in planting.faults if each.path == path]
        number = 1 + max(each.id for each in planting.faults)
        found = list(_entries(code, mine, number, before))
        places = [
            PlacedMutant(each.id, path, place, ()) for each, place in found if place is not None
        ]
        text, good = written(texts[path], code, [*mine, *places])
        if text is None or len(good) < len(mine) + len(places):
            continue
        entries += [each for each, _ in found]
        planting = replace(
            planting, faults=(*planting.faults, *places), files={**planting.files, path: text}
        )
    return planting, tuple(entries)


def _entries(
    code: Code, faults: Sequence[PlacedMutant], number: int, before: Before
) -> Iterator[tuple[Entry, Mutant | None]]:
    """Each with the place that is to be planted for it, if none of its faults is there."""
    for function, mine in _by_function(code, faults).items():
        path, ids = mine[0].path, frozenset(each.id for each in mine)
        place, reached = entry(code, function.node), before(path, function.name)
        if place is None or not reached:
            continue
        there = next((each for each in mine if _stands_at(each.mutant, place)), None)
        if there is None:
            yield Entry(number, path, function.name, reached, ids), place
            number += 1
        else:
            yield Entry(there.id, path, function.name, reached, ids), None


def _by_function(code: Code, faults: Sequence[PlacedMutant]) -> dict[Function, list[PlacedMutant]]:
    source = read_source(code.text.decode())
    found: dict[Function, list[PlacedMutant]] = {}
    for each in faults:
        function = source and source.at(each.mutant.planted or each.mutant.line)
        if not source or not function or source.only(function.name) is not function:
            continue
        if each.mutant.when is When.CALL:
            found.setdefault(function, []).append(each)
    return found


def _stands_at(fault: Mutant, place: Mutant) -> bool:
    """Whether whoever gets to the place gets to the fault; of other faults that begin there only a part may run."""
    return fault.start == place.start and fault.operator in {"drop", "place"}


def uncovered(
    entries: Sequence[Entry], planting: MutationPlan, change: str, trials: Mapping[int, Trial]
) -> tuple[LostCoverage, ...]:
    """The functions that a change touches, that tests reached before and that no test reaches with it."""
    of_it = {each.id for each in planting.faults if change in each.changes}
    return tuple(
        LostCoverage(path=each.path, function=each.function, tests_before=each.before)
        for each in entries
        if (mine := each.faults & of_it) and all(_missed(trials.get(n)) for n in (each.id, *mine))
    )


def _missed(trial: Trial | None) -> bool:
    """Whether no test reached it; where it is not known that it stayed green, nobody knows."""
    return trial is not None and trial.noticed is False and not trial.reached
