"""What the times of calls in tests say, given as the timer has written them."""

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from services.validator.benchmarks.domain.benchmarks import SamplingPlan
from services.validator.benchmarks.domain.measurements import (
    BenchmarkUnit,
    Measurement,
    PairedRun,
)
from services.validator.benchmarks.domain.reports import BenchmarkReport
from services.validator.gains.domain.functions import MeasuredFunction
from services.validator.in_target.call_timer import ROUNDS

# Less than this share of the run time is no gain: a process has one layout of its memory, which may
# favour either version by some per cent.
MIN_GAIN_IN_A_PROCESS = 0.05
NOTHING_TIMED = "none of its calls can be made twice in a test"
PLAN = SamplingPlan(MIN_GAIN_IN_A_PROCESS, cap=ROUNDS, looks=1, proves_equality=False)


def read_times(written: bytes, functions: Sequence[MeasuredFunction]) -> BenchmarkReport:
    """Return the comparison by a file with a line for each call.

    In each round, the times of a function's calls are added. Damaged lines are left out.
    """
    calls: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for each in map(_read, written.splitlines()):
        if 0 <= each.get("function", -1) < len(functions):
            calls[each["function"]].append(each)
    if not calls:
        return BenchmarkReport(PLAN, (), notes=(NOTHING_TIMED,))
    rounds: list[tuple[dict[str, Measurement], dict[str, Measurement]]]
    rounds = [({}, {}) for _ in range(ROUNDS)]
    for number, mine in sorted(calls.items()):
        name = f"{functions[number].label} ({len(mine)} calls in tests)"
        sides = ("before", "after") if all(each["after"] for each in mine) else ("before",)
        for turn, both in enumerate(rounds):
            for side, found in zip(sides, both, strict=False):
                seconds = sum(each[side][turn] for each in mine)
                found[name] = Measurement(seconds, BenchmarkUnit.SECONDS)
    return BenchmarkReport(PLAN, tuple(PairedRun(*both) for both in rounds))


def _read(line: bytes) -> dict[str, Any]:
    """Return the times of one call, or nothing if its line is damaged."""
    try:
        call = json.loads(line)
        found = {side: [float(each) for each in call[side]] for side in ("before", "after")}
        is_whole = len(found["before"]) == ROUNDS and len(found["after"]) in {0, ROUNDS}
        if not is_whole or min([*found["before"], *found["after"]]) <= 0:
            return {}
        return {"function": int(call["function"]), **found}
    except (ValueError, TypeError, KeyError, RecursionError):
        return {}
