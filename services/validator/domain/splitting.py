"""How a failing batch is split, and which of its failing tests are worth running again."""

from collections import defaultdict
from collections.abc import Collection, Mapping

# Beyond this share of a full run, running all failing tests again saves too little.
DEAR = 0.3
FEW = 30


def midpoint(low: int, high: int) -> int:
    """Bisection: the prefix of length `low` passes, that of length `high` fails."""
    return (low + high) // 2


def witnesses(failing: Collection[str], durations: Mapping[str, float]) -> tuple[str, ...]:
    """The failing tests to run again: all, or where that is dear some quick ones of each module."""
    total = sum(durations.values())
    cost = sum(durations.get(test, 0.0) for test in failing)
    if len(failing) <= FEW and (not total or cost <= DEAR * total):
        return tuple(sorted(failing))
    by_module: dict[str, list[str]] = defaultdict(list)
    for test in sorted(failing, key=lambda each: (durations.get(each, 0.0), each)):
        by_module[test.partition("::")[0]].append(test)
    share = max(1, FEW // len(by_module))
    quick = [test for tests in by_module.values() for test in tests[:share]]
    return tuple(sorted(quick[:FEW]))
