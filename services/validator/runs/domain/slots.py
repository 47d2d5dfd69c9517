"""How many cores a run takes, and how many runs a fleet of machines takes at once: measured, not assumed.

The evidence is the verdicts of a target's full runs on one machine, newest first. What is not known
takes the whole machine.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from statistics import median

from shared.contracts.base import RunKind
from shared.contracts.documents.runs import Runner, TestRun

# The newest full runs count. What is older may be of another suite, and is measured anew.
WINDOW = 40
# A suite that uses a little more than a core for a moment still takes one.
SLACK = 0.2
# Two at once that take this much longer each are no better than one after the other.
NO_GAIN = 1.8
ENOUGH = 3


def needed(kind: RunKind, verdicts: Sequence[TestRun], machine_cores: int) -> int:
    """The cores that a run of this kind takes; benchmarks are never beside another run."""
    return machine_cores if kind is RunKind.BENCHMARKS else cores(verdicts, machine_cores)


def cores(verdicts: Sequence[TestRun], machine_cores: int) -> int:
    """The cores that the suite uses; all of them where two runs at once are no gain."""
    used = [
        (each.execution.beside, each.execution.cpu_seconds / each.execution.seconds)
        for each in verdicts
        if each.execution.cpu_seconds is not None and each.execution.seconds > 0
    ]
    if not used or not gains(verdicts):
        return machine_cores
    # Who shares a core is held up by that, and seems to use less.
    alone = [share for beside, share in used if not beside]
    share = median(alone or [share for _, share in used])
    return min(max(math.ceil(share - SLACK), 1), machine_cores)


def gains(verdicts: Iterable[TestRun]) -> bool:
    """Whether two at once beat one after the other, as far as is known; True until it was tried often enough."""
    alone, beside = defaultdict[bool, list[float]](list), defaultdict[bool, list[float]](list)
    for each in verdicts:
        if each.result.counts is not None and each.result.counts.tests and each.request.repeat == 1:
            # The suite grows; and what is recorded takes longer.
            seconds = each.execution.seconds / each.result.counts.tests
            (beside if each.execution.beside else alone)[each.request.record].append(seconds)
    return not any(
        len(alone[kind]) >= ENOUGH
        and len(times) >= ENOUGH
        and median(times) >= NO_GAIN * median(alone[kind])
        for kind, times in beside.items()
    )


def width(runners: Iterable[Runner], per_run: Callable[[Runner], int]) -> int:
    """How many runs, each of `per_run` cores there, these take at once; those of one machine share its cores."""
    machines: dict[str, list[Runner]] = defaultdict(list)
    for each in runners:
        machines[each.slots].append(each)
    return max(sum(_width(each, per_run(each[0])) for each in machines.values()), 1)


def _width(together: Sequence[Runner], taken: int) -> int:
    """A run that takes more than its runner's share is carried out all the same, alone."""
    wanted = sum(max(each.core_limit // taken, 1) for each in together)
    return min(wanted, max(together[0].cores // taken, 1))
