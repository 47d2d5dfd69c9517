"""Selects the mutants that can be afforded and the tests that try them, from a recording."""

from collections.abc import Collection
from functools import cache

from services.validator.impact.domain.impact import Change, reaching_tests
from services.validator.impact.usecases.recordings import Recorded
from services.validator.mutation.domain.plan import MutationPlan
from services.validator.mutation.domain.selection import required_tests, without_expensive
from services.validator.suite.domain.recording import ImpactMap
from services.validator.suite.domain.sources import Function, decode_source, read_source
from shared.targets.mirror import Mirror


def select_affordable(
    plan: MutationPlan,
    mirror: Mirror,
    recorded: Recorded,
    oids: tuple[str, str],
    present: Collection[str],
) -> tuple[MutationPlan, frozenset[str] | None]:
    """Return the plan with expensive mutants as mere checks, and its tests (None is all). Blocks.

    `oids` are the trees before and after the changes, `present` are the tests of the head. Tests
    that are new, or whose reach is unknown, are always included.
    """
    trees = [mirror.tree(each) for each in (recorded.tree, *oids)]

    @cache
    def tests_at(path: str, line: int) -> frozenset[str] | None:
        """Return the tests that may run a line of the mutated tree; None if unknown."""
        texts = [
            None if text is None else decode_source(text) for text in (t.read(path) for t in trees)
        ]
        return select_tests_for_line(recorded.map, path, Change(*texts), line)

    affordable = without_expensive(plan, tests_at)
    tests = required_tests(affordable, tests_at)
    if tests is None:
        return affordable, None
    new = frozenset(present) - frozenset(recorded.map.tests)
    return affordable, tests | recorded.map.unknown | new


def select_tests_for_line(
    recorded: ImpactMap, path: str, change: Change, line: int
) -> frozenset[str] | None:
    """Return the tests that may run a line of a file after a change; None if unknown.

    A function that caches its results was recorded for its first caller only, so all tests that
    depend on its file are returned. The same holds for a file that no test ran, such as a setup
    script, where these are mostly none.
    """
    source = read_source(change.after) if change.after is not None else None
    function = source.function_at(line) if source is not None else None
    is_never_run = change.recorded is not None and not recorded.has(path)
    if is_never_run or (function is not None and _is_cached(function)):
        return recorded.named(recorded.depending(path))
    then = read_source(change.recorded) if change.recorded is not None else None
    known = then.functions.get(function.name) if then is not None and function is not None else None
    if known is not None and (direct := recorded.reaching(path, known)):
        # Where it also runs at import, tests that call it are still the better judges.
        return recorded.named(direct)
    return reaching_tests(recorded, path, change, [line])


def _is_cached(function: Function) -> bool:
    """Return true if a function's result is kept for other callers, unlike a cached property."""
    return function.has_unrecorded_dependents and not any(
        "cached_property" in each for each in function.decorator_words
    )
