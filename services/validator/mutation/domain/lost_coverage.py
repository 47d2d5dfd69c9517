"""Finds the functions that tests reached before a change and that no test reaches with it.

Earlier coverage is recorded by function and not by line, so it is compared by function: a change in
a branch that no test ever took loses nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from services.validator.mutation.domain.blocks import MutantTiming
from services.validator.mutation.domain.mutants import Mutant
from services.validator.mutation.domain.places import entry_probe
from services.validator.mutation.domain.plan import MutantResult, MutationPlan, PlacedMutant
from services.validator.mutation.domain.rendering import write_mutants
from services.validator.mutation.domain.source_code import Code
from services.validator.suite.domain.sources import Function, read_source
from shared.contracts.documents.protection import LostCoverage

# Returns how many tests reached a function before, by its path and name.
TestsBefore = Callable[[str, str], int]


@dataclass(frozen=True)
class FunctionEntry:
    """A mutated function that `tests_before` tests reached; mutant `id` is at its beginning."""

    id: int
    path: str
    function: str
    tests_before: int
    mutants: frozenset[int]


def with_entry_probes(
    plan: MutationPlan, texts: Mapping[str, bytes], tests_before: TestsBefore
) -> tuple[MutationPlan, tuple[FunctionEntry, ...]]:
    """Return the plan with a probe in each mutated function that tests reached before, and entries.

    `texts` are those that the mutants are placed in. The probes are for no change. A file in which
    not all of its probes can be placed gets none.
    """
    entries: list[FunctionEntry] = []
    for path in sorted(plan.files):
        code = Code.read(texts[path])
        mine = [each for each in plan.mutants if each.path == path]
        number = 1 + max(each.id for each in plan.mutants)
        found = list(_entries(code, mine, number, tests_before))
        probes = [
            PlacedMutant(each.id, path, probe, ()) for each, probe in found if probe is not None
        ]
        text, good = write_mutants(texts[path], code, [*mine, *probes])
        if text is None or len(good) < len(mine) + len(probes):
            continue
        entries += [each for each, _ in found]
        files = {**plan.files, path: text}
        plan = replace(plan, mutants=(*plan.mutants, *probes), files=files)
    return plan, tuple(entries)


def _entries(
    code: Code, mutants: Sequence[PlacedMutant], number: int, tests_before: TestsBefore
) -> Iterator[tuple[FunctionEntry, Mutant | None]]:
    """Yield each entry with its probe, numbered from `number`; None where a mutant is there."""
    for function, mine in _by_function(code, mutants).items():
        path, ids = mine[0].path, frozenset(each.id for each in mine)
        probe, reached = entry_probe(code, function.node), tests_before(path, function.name)
        if probe is None or not reached:
            continue
        same = next((each for each in mine if _stands_at(each.mutant, probe)), None)
        if same is None:
            yield FunctionEntry(number, path, function.name, reached, ids), probe
            number += 1
        else:
            yield FunctionEntry(same.id, path, function.name, reached, ids), None


def _by_function(code: Code, mutants: Sequence[PlacedMutant]) -> dict[Function, list[PlacedMutant]]:
    """Return by function its mutants that run when called, for names that are unique."""
    source = read_source(code.text.decode())
    found: dict[Function, list[PlacedMutant]] = {}
    for each in mutants:
        function = source and source.function_at(each.mutant.standing_line)
        if not source or not function or source.unique_function(function.name) is not function:
            continue
        if each.mutant.when is MutantTiming.CALL:
            found.setdefault(function, []).append(each)
    return found


def _stands_at(mutant: Mutant, probe: Mutant) -> bool:
    """Return true for a `drop` or `place` mutant at the probe's start, which can serve as it."""
    return mutant.start == probe.start and mutant.operator in {"drop", "place"}


def find_lost_coverage(
    entries: Sequence[FunctionEntry],
    plan: MutationPlan,
    change: str,
    results: Mapping[int, MutantResult],
) -> tuple[LostCoverage, ...]:
    """Return the functions a change touches that tests reached before, and none reaches with it."""
    of_change = {each.id for each in plan.mutants if change in each.changes}
    return tuple(
        LostCoverage(path=each.path, function=each.function, tests_before=each.tests_before)
        for each in entries
        if (mine := each.mutants & of_change)
        and all(_is_missed(results.get(number)) for number in (each.id, *mine))
    )


def _is_missed(result: MutantResult | None) -> bool:
    """Return true if the mutant is known to have survived without any test reaching it."""
    return result is not None and result.killed is False and not result.reached
