"""How a failing batch is divided, which tests are run again, and when a cheap run pays first."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from math import log2, prod

from services.validator.decision.evidence import Candidate, SuiteProfile

# All costs are shares of a full run. Beyond the first, running all failing tests again saves too
# little.
MAX_RERUN_COST_SHARE = 0.5
MAX_RERUN_TESTS = 400
# Beyond this a targeted run has to be worth its cost.
EXPENSIVE_COST_SHARE = 0.25
# A second repetition within a run is cheap if it adds at most this share to the cost of starting a
# run.
CHEAP_REPEAT_SHARE = 0.25
# All repetitions of the tests in a quick gate may cost this much of a full run.
MAX_REPEATS_COST_SHARE = 0.05
# The share of bad changes that the tests reaching them catch.
EXPECTED_RECALL = 0.9
# How much less a change is suspected of breaking a test that does not reach it.
UNREACHED_WEIGHT = 0.05


def midpoint(low: int, high: int) -> int:
    """Return the prefix length to try next, where the prefix `low` passes and `high` fails."""
    return (low + high) // 2


def is_expensive(suite: SuiteProfile, tests: Iterable[str]) -> bool:
    """Return true if running these tests is known to cost a good part of a full run."""
    return bool(suite.durations) and suite.cost_share(tests) > EXPENSIVE_COST_SHARE


def is_repeat_cheap(suite: SuiteProfile, tests: Iterable[str]) -> bool:
    """Return true if running these tests twice in a run is known to cost little more than once."""
    if not suite.durations:
        return False
    return _cost_beyond_startup(tests, suite) <= CHEAP_REPEAT_SHARE * suite.cost_share(())


def affordable_repeats(suite: SuiteProfile, tests: Collection[str], most: int) -> int:
    """Return how often (1 to `most`) tests can be repeated within a run at a small extra cost."""
    if not tests or not suite.durations:
        return 1
    extra = _cost_beyond_startup(tests, suite)
    return max(1, min(most, int(MAX_REPEATS_COST_SHARE / extra) if extra else most))


def max_groups_at_once(suite: SuiteProfile, tests: Iterable[str]) -> int:
    """Return how many groups to run before looking at a result: as many as cost about one full run.

    Groups chosen together learn nothing from each other, so more of them would waste runs.
    """
    share = suite.cost_share(tests) if suite.durations else 0.0
    # A test that the head lacks has no known cost, and where tests run in parallel no startup is
    # measured either.
    return max(1, round(1 / share)) if share else MAX_RERUN_TESTS


def choose_reruns(failing: Collection[str], suite: SuiteProfile) -> tuple[str, ...]:
    """Choose the failing tests to run again.

    These are all of them, or where that is too many or too expensive the quickest of each module.
    """
    chosen = tuple(sorted(failing))
    if len(chosen) <= MAX_RERUN_TESTS and (not suite.durations or _is_affordable(chosen, suite)):
        return chosen
    by_module: dict[str, list[str]] = defaultdict(list)
    for test in sorted(chosen, key=lambda each: (suite.durations.get(each, 0.0), each)):
        by_module[test.partition("::")[0]].append(test)
    per_module = max(1, MAX_RERUN_TESTS // len(by_module))
    while True:
        quickest = [test for tests in by_module.values() for test in tests[:per_module]]
        quickest = quickest[:MAX_RERUN_TESTS]
        if per_module == 1 or _is_affordable(quickest, suite):
            return tuple(sorted(quickest))
        per_module //= 2


def _is_affordable(tests: Iterable[str], suite: SuiteProfile) -> bool:
    """Return true if running these tests again costs no more than a set share of a full run."""
    return _cost_beyond_startup(tests, suite) <= MAX_RERUN_COST_SHARE


def _cost_beyond_startup(tests: Iterable[str], suite: SuiteProfile) -> float:
    """Return the cost of running tests without the startup of a run, as a share of a full run."""
    return suite.cost_share(tests) - suite.cost_share(())


def suspicion(change: Candidate, test: str) -> float:
    """Return the odds of a change being bad, reduced if the test does not reach the change."""
    risk = min(max(change.risk, 0.001), 0.999)
    reaches = change.impacted is None or test in change.impacted
    return risk / (1 - risk) * (1.0 if reaches else UNREACHED_WEIGHT)


def quick_gate_pays(changes: Sequence[Candidate], suite: SuiteProfile) -> bool:
    """Return true if a quick gate of each change costs less than it is expected to save.

    It tries each change alone with the tests that reach it. A batch that fails its full run costs
    that run, the search for its culprits, and another full run.
    """
    known = [each for each in changes if each.impacted and not each.needs]
    if not known or not suite.durations:
        return False
    startup = suite.cost_share(())
    expected_bad = sum(each.risk for each in changes)
    cost_of_failing = 1 + startup * (1 + log2(len(changes) + 1) + 2 * expected_bad)
    passes = prod(1 - each.risk for each in changes)
    tried = {each.id for each in known}
    passes_after = prod(
        1 - each.risk * (1 - EXPECTED_RECALL * (each.id in tried)) for each in changes
    )
    price = sum(suite.cost_share(each.impacted or ()) for each in known)
    price += startup * 2 * expected_bad
    return price + (1 - passes_after) * cost_of_failing < (1 - passes) * cost_of_failing


def choose_first_tests(changes: Sequence[Candidate], suite: SuiteProfile) -> frozenset[str]:
    """Choose the tests to run before a full run: all that reach the changes if that pays, or none.

    They cost their own run in any case, and save the full run of a batch that would fail it.
    """
    known = [each.impacted for each in changes if each.impacted is not None]
    if len(known) < len(changes) or not suite.durations:
        return frozenset()
    tests = frozenset[str]().union(*known)
    fails = EXPECTED_RECALL * (1 - prod(1 - each.risk for each in changes))
    return tests if tests and suite.cost_share(tests) < fails else frozenset()
