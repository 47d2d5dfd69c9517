"""Chooses which of the mutants that fit a change are tried, and which tests that takes."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from services.validator.mutation.domain.blocks import MutantTiming
from services.validator.mutation.domain.mutants import Mutant
from services.validator.mutation.domain.plan import MutationPlan

MAX_MUTANTS_PER_CHANGE, MAX_MUTANTS_PER_LINE = 4, 2
# So many tests are run to check that a module is imported, and so many at most for a mutant in code
# that runs at import.
MAX_TESTS_TO_CHECK_IMPORT, MAX_TESTS_FOR_IMPORT_MUTANT = 10, 100

# Returns the tests that may run a line of a file; None if they are unknown.
Reaching = Callable[[str, int], frozenset[str] | None]


def choose_mutants(
    found: Sequence[tuple[str, Mutant]],
    limit: int,
    is_equivalent: Callable[[str, Mutant], bool] = lambda *_: False,
) -> list[tuple[str, Mutant]]:
    """Choose up to `limit` (path, mutant) pairs from each hunk in turn, of different operators.

    Those of the best rank come first. A mutant that only raises an error counts if its hunk has no
    better one, and code that runs at import has one mutant per hunk. Equivalent ones are left out.
    """
    hunks, lines = Counter[tuple[str, int]](), Counter[tuple[str, int]]()
    operators = Counter[str]()
    rest = _without_weaker(found)
    chosen: list[tuple[str, Mutant]] = []

    def preference(pair: tuple[str, Mutant]) -> tuple[object, ...]:
        """Return a sort key of a (path, mutant) pair; the lowest is to be chosen next."""
        path, mutant = pair
        counts = hunks[path, mutant.hunk], operators[mutant.operator], lines[path, mutant.line]
        return (*counts, mutant.rank, path, mutant.start, mutant.before)

    while rest and len(chosen) < limit:
        best = min(rest, key=preference)
        path, mutant = best
        if is_equivalent(path, mutant):
            rest.remove(best)
            continue
        chosen.append(best)
        hunks[path, mutant.hunk] += 1
        lines[path, mutant.line] += 1
        operators[mutant.operator] += 1
        rest = [each for each in rest if each is not best and _fits_beside(each, best, lines)]
    return chosen


def _without_weaker(found: Sequence[tuple[str, Mutant]]) -> list[tuple[str, Mutant]]:
    """Return the mutants without `place` and `import` ones where their hunk has a better one."""
    better = {
        (path, each.hunk)
        for path, each in found
        if each.when is MutantTiming.CALL and each.operator != "place"
    }
    at_import = {(path, each.hunk) for path, each in found if each.when is MutantTiming.IMPORT}
    better_than = {"place": better, "import": at_import}
    return [
        (path, each)
        for path, each in found
        if (path, each.hunk) not in better_than.get(each.operator, ())
    ]


def _fits_beside(
    other: tuple[str, Mutant], chosen: tuple[str, Mutant], lines: Counter[tuple[str, int]]
) -> bool:
    """Return true if a mutant may be tried beside the chosen one, by its hunk and its line."""
    path, mutant = other
    is_same_hunk = (path, mutant.hunk) == (chosen[0], chosen[1].hunk)
    timings = {mutant.when, chosen[1].when}
    if is_same_hunk and MutantTiming.CALL not in timings:
        return False
    return lines[path, mutant.line] < MAX_MUTANTS_PER_LINE


def required_tests(plan: MutationPlan, reaching: Reaching) -> frozenset[str] | None:
    """Return the tests that are needed to try these mutants; None is all of them.

    A few tests are enough to check that code runs at import.
    """
    tests: set[str] = set()
    for each in plan.mutants:
        found = reaching(each.path, each.mutant.standing_line)
        if found is None:
            return None
        is_check = each.mutant.when in {MutantTiming.REACH, MutantTiming.IMPORTED}
        tests |= frozenset(_sample(found)) if is_check else found
    return frozenset(tests)


def _sample(tests: Collection[str]) -> Iterator[str]:
    """Yield one test of each file, and more if there are few files, up to a limit."""
    files: set[str] = set()
    for each in sorted(tests):
        file = each.partition("::")[0]
        if file not in files and len(files) < MAX_TESTS_TO_CHECK_IMPORT:
            files.add(file)
            yield each
    yield from sorted(tests)[: MAX_TESTS_TO_CHECK_IMPORT - len(files)]


def without_expensive(plan: MutationPlan, reaching: Reaching) -> MutationPlan:
    """Replace mutants at import that need all or many tests by checks that they are imported."""
    mutants = []
    for each in plan.mutants:
        found = reaching(each.path, each.mutant.line)
        is_many = found is None or len(found) > MAX_TESTS_FOR_IMPORT_MUTANT
        is_expensive = each.mutant.when is MutantTiming.IMPORT and is_many
        mutants.append(replace(each, mutant=as_import_check(each.mutant)) if is_expensive else each)
    return replace(plan, mutants=tuple(mutants))


def as_import_check(mutant: Mutant) -> Mutant:
    """Replace a mutant by a check that its module is imported."""
    return replace(
        mutant,
        start=0,
        end=0,
        before="",
        after="",
        when=MutantTiming.IMPORTED,
        operator="import",
        description="no test imports it",
    )
