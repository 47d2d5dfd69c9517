"""What a comparison of functions, or of a target's benchmarks, says about a change's gain."""

import re
from collections.abc import Sequence

from services.validator.benchmarks.domain.measurements import (
    BenchmarkComparison,
    BenchmarkOutcome,
)
from services.validator.benchmarks.domain.reports import BenchmarkReport
from shared.contracts.documents.gain import FunctionGain, Gain

# The calls of a function that were timed in the tree at hand are counted, and where that was.
NAME = re.compile(r"(.+) \((\d+) calls( in tests)?\)", re.DOTALL)
NOTHING_COMPARED = "nothing was compared"


def judge_gain(report: BenchmarkReport, run: str) -> Gain:
    """Return the gain of a change by the comparison of its functions in the run with this id.

    It is unknown where other inputs work with the change than without, or where runs take too long.
    """
    if report.broken:
        return _unknown(f"its functions cannot be called with it: {report.broken}", run)
    gone = [each for each in report.comparisons if each.answer is BenchmarkOutcome.GONE]
    if gone:
        return _unknown(f"with it, not all recorded calls work of {_parts(gone[0].name)[0]}", run)
    compared = [each for each in report.comparisons if each.pairs]
    if not compared:
        return _unknown(report.notes[0] if report.notes else NOTHING_COMPARED, run)
    return _judge([_function_gain(each) for each in compared], run)


def judge_benchmarks(report: BenchmarkReport, run: str) -> Gain | None:
    """Return the gain of a change if a benchmark of the target shows one; else None."""
    compared = [each for each in report.comparisons if each.pairs]
    gain = _judge([_function_gain(each) for each in compared], run) if compared else None
    return gain if gain is not None and gain.state == "measured" and not report.failing else None


def _judge(functions: Sequence[FunctionGain], run: str) -> Gain:
    """Return the gain of a change, given what was measured of its functions."""
    found = tuple(sorted(functions, key=lambda each: each.ratio))
    worse = [each for each in found if each.answer == "worse"]
    better = [each for each in found if each.answer == "better"]
    shown = (worse[-1:] or better or found)[0]
    state, word = ("none", "no gain") if worse or not better else ("measured", "measured gain")
    more = f"; {len(better) - 1} more faster" if state == "measured" and len(better) > 1 else ""
    summary = f"{word}: {shown.words}{more}"
    return Gain(state=state, summary=summary, functions=found, run=run)


def _unknown(why: str, run: str) -> Gain:
    """Return the gain of a change whose functions were not compared."""
    return Gain(state="unknown", summary=why.partition("\n")[0].rstrip("."), run=run)


def _function_gain(comparison: BenchmarkComparison) -> FunctionGain:
    """Return one comparison as the gain of a function."""
    name, inputs, in_tests = _parts(comparison.name)
    medians = (comparison.candidate, comparison.head)
    over, under = reversed(medians) if comparison.unit.more_is_better else medians
    return FunctionGain(
        name=name,
        answer=comparison.answer.value,
        inputs=inputs,
        in_tests=in_tests,
        runs=comparison.pairs,
        ratio=over / under,
        low=comparison.low,
        high=comparison.high,
    )


def _parts(label: str) -> tuple[str, int, bool]:
    """Return the function's name, the number of its calls, and whether tests made them.

    A benchmark of the target has no calls.
    """
    found = NAME.fullmatch(label)
    return (found[1], int(found[2]), bool(found[3])) if found else (label, 0, False)
