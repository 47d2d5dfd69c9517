"""How many cores a run needs, and how many runs a set of machines can execute at once.

Both are measured, from the full runs of a target on one machine, newest first. A suite that was
never measured takes the whole machine.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from statistics import median

from shared.contracts.base import RunKind
from shared.contracts.documents.runs import Runner, TestRun

# Older runs may be of a suite that has changed since.
MAX_RUNS_CONSIDERED = 40
# A suite that uses a little more than a core for a moment still takes one.
IGNORED_CORE_SHARE = 0.2
# Two concurrent runs that each take this many times as long are no better than one after the other.
BREAK_EVEN_SLOWDOWN = 1.8
MIN_RUNS_TO_COMPARE = 3


def cores_needed(kind: RunKind, runs: Sequence[TestRun], machine_cores: int) -> int:
    """Return how many cores a run needs; benchmarks need all, so that nothing runs beside them."""
    return machine_cores if kind.exclusive else cores_used(runs, machine_cores)


def cores_used(runs: Sequence[TestRun], machine_cores: int) -> int:
    """Return how many cores a suite uses; all if never measured, or if concurrency is no gain."""
    used = [
        (each.execution.beside, each.execution.cpu_seconds / each.execution.seconds)
        for each in runs
        if each.execution.cpu_seconds is not None and each.execution.seconds > 0
    ]
    if not used or not is_concurrency_worthwhile(runs):
        return machine_cores
    # Runs that share a core slow each other down, and seem to use less of it.
    alone = [share for beside, share in used if not beside]
    share = median(alone or [share for _, share in used])
    return min(max(math.ceil(share - IGNORED_CORE_SHARE), 1), machine_cores)


def is_concurrency_worthwhile(runs: Iterable[TestRun]) -> bool:
    """Return whether concurrent runs beat one after the other; True until enough were measured."""
    alone, beside = defaultdict[bool, list[float]](list), defaultdict[bool, list[float]](list)
    for each in runs:
        if each.result.counts is not None and each.result.counts.tests and each.request.repeat == 1:
            # Per test, because the suite grows; recorded runs apart, because they take longer.
            seconds = each.execution.seconds / each.result.counts.tests
            (beside if each.execution.beside else alone)[each.request.record].append(seconds)
    return not any(
        len(alone[kind]) >= MIN_RUNS_TO_COMPARE
        and len(times) >= MIN_RUNS_TO_COMPARE
        and median(times) >= BREAK_EVEN_SLOWDOWN * median(alone[kind])
        for kind, times in beside.items()
    )


def max_concurrent_runs(runners: Iterable[Runner], cores_per_run: Callable[[Runner], int]) -> int:
    """Return how many runs the runners can execute at once, at least 1.

    Runners of one machine share its cores; `cores_per_run` is what a run needs on that machine.
    """
    machines: dict[str, list[Runner]] = defaultdict(list)
    for each in runners:
        machines[each.slots].append(each)
    return max(sum(_runs_on_machine(each, cores_per_run(each[0])) for each in machines.values()), 1)


def _runs_on_machine(runners: Sequence[Runner], cores_per_run: int) -> int:
    """Return how many runs the runners of one machine can execute at once."""
    # A run that needs more than its runner's limit is executed all the same, alone.
    wanted = sum(max(each.core_limit // cores_per_run, 1) for each in runners)
    return min(wanted, max(runners[0].cores // cores_per_run, 1))
