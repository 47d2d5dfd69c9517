"""What a comparison says about the gain of a change."""

import random

import pytest

from services.validator.benchmarks.domain.benchmarks import SamplingPlan, wanted
from services.validator.benchmarks.domain.measurements import (
    BenchmarkUnit,
    Measurement,
    PairedRun,
)
from services.validator.benchmarks.domain.reports import BenchmarkReport
from services.validator.gains.domain.judging import judge_benchmarks, judge_gain
from shared.kernel.ids import uuid7

RUN = uuid7()
PLAN = SamplingPlan(0.02)


def seconds(**values):
    return {
        f"m.py::{name} ({calls} calls)": Measurement(value, BenchmarkUnit.SECONDS)
        for name, (value, calls) in values.items()
    }


def a_report(head, candidate, rounds=20, **fields):
    pairs = tuple(PairedRun(seconds(**head), seconds(**candidate)) for _ in range(rounds))
    return BenchmarkReport(PLAN, pairs, **fields)


def test_a_function_that_is_faster_is_a_measured_gain():
    report = a_report({"f": (4.0, 7), "g": (1.0, 2)}, {"f": (1.0, 7), "g": (1.0, 2)})
    gain = judge_gain(report, RUN)
    assert gain.state == "measured"
    assert gain.run == RUN
    assert gain.summary == (
        "measured gain: m.py::f takes 0.25 times as long (interval 0.25 to 0.25), "
        "on 7 recorded inputs, in 12 paired runs"
    )
    assert gain.best.name == "m.py::f"


def test_the_ratio_is_that_of_the_medians():
    rounds = [
        PairedRun(seconds(f=(head, 1)), seconds(f=(1.0, 1)))
        for head in (*([2.0] * 11), *([8.0] * 10))
    ]
    gain = judge_gain(BenchmarkReport(PLAN, tuple(rounds)), RUN)
    assert gain.best.ratio == 0.5
    assert "on 1 recorded input, in" in gain.summary


def test_no_function_may_be_slower():
    report = a_report({"f": (4.0, 7), "g": (1.0, 2)}, {"f": (1.0, 7), "g": (1.5, 2)})
    gain = judge_gain(report, RUN)
    assert gain.state == "none"
    assert gain.summary.startswith("no gain: m.py::g takes 1.50 times as long (interval 1.50")


@pytest.mark.parametrize("now", [1.0, 0.99])
def test_what_is_as_fast_is_no_gain(now):
    gain = judge_gain(a_report({"f": (1.0, 1)}, {"f": (now, 1)}), RUN)
    assert gain.state == "none"
    assert f"m.py::f takes {now:.2f} times as long" in gain.summary


def test_what_cannot_be_told_is_no_gain():
    chance = random.Random(1)
    rounds = [
        PairedRun(seconds(f=(chance.uniform(1, 3), 1)), seconds(f=(chance.uniform(1, 3), 1)))
        for _ in range(100)
    ]
    gain = judge_gain(BenchmarkReport(PLAN, tuple(rounds)), RUN)
    assert gain.functions[0].answer == "inconclusive"
    assert gain.state == "none"


@pytest.mark.parametrize(
    ("report", "why"),
    [
        (BenchmarkReport(PLAN, (), notes=("no test calls it.\nReally.",)), "no test calls it"),
        (BenchmarkReport(PLAN, ()), "nothing was compared"),
        (
            a_report({"f": (1.0, 3)}, {"f": (0.1, 2)}),
            "with it, not all recorded calls work of m.py::f",
        ),
        (
            a_report({"f": (1.0, 3)}, {}, broken="The command ended with 1.\nat line 3"),
            "its functions cannot be called with it: The command ended with 1",
        ),
        (a_report({"f": (1.0, 3)}, {"f": (0.1, 3)}, rounds=2), "nothing was compared"),
    ],
)
def test_what_was_not_compared_is_unknown(report, why):
    gain = judge_gain(report, RUN)
    assert (gain.state, gain.summary) == ("unknown", why)
    assert gain.evidence == f"its gain could not be measured: {why}"


def rates(value):
    return {"a benchmark": Measurement(value, BenchmarkUnit.RATE)}


@pytest.mark.parametrize(("now", "ratio"), [(2.0, 0.5), (1.0, None), (0.5, None)])
def test_benchmarks_of_the_target_show_a_gain_or_say_nothing(now, ratio):
    report = BenchmarkReport(PLAN, tuple(PairedRun(rates(1.0), rates(now)) for _ in range(20)))
    gain = judge_benchmarks(report, RUN)
    if ratio is None:
        assert gain is None
    else:
        assert gain.best.ratio == ratio
        assert "a benchmark takes 0.50 times as long" in gain.summary
        assert "recorded" not in gain.summary


def test_no_pairs_are_made_only_to_prove_equality():
    """The two are equal within a half per cent of noise: an answer takes more than 11 rounds."""
    chance = random.Random(3)
    rounds = [
        PairedRun(
            seconds(f=(chance.gauss(1, 0.02), 1)),
            seconds(f=(chance.gauss(1, 0.02), 1)),
        )
        for _ in range(11)
    ]
    assert wanted(rounds, SamplingPlan(0.02)) > 11
    assert wanted(rounds, SamplingPlan(0.02, proves_equality=False)) == 11


def test_what_is_slower_in_each_of_the_first_pairs_has_no_gain_and_is_measured_no_longer():
    rounds = [PairedRun(seconds(f=(1, 1)), seconds(f=(1.1, 1))) for _ in range(5)]
    plan = SamplingPlan(0.02, proves_equality=False)
    assert wanted(rounds[:3], plan) == wanted(rounds, plan) == 5
    assert wanted(rounds, SamplingPlan(0.02)) == 11
    gain = judge_gain(BenchmarkReport(plan, tuple(rounds)), RUN)
    assert gain.state == "none"
    assert "takes 1.10 times as long, on 1 recorded input, in 5 paired runs" in gain.summary


def test_one_pair_that_is_faster_has_them_measured_further():
    slower = [PairedRun(seconds(f=(1, 1)), seconds(f=(1.1, 1))) for _ in range(4)]
    rounds = [*slower, PairedRun(seconds(f=(1, 1)), seconds(f=(0.9, 1)))]
    assert wanted(rounds, SamplingPlan(0.02, proves_equality=False)) == 11


@pytest.mark.parametrize(("ratio", "pairs"), [(0.99, 11), (0.95, 18)])
def test_an_analysis_that_shows_no_gain_ends_the_search_for_one(ratio, pairs):
    spread = [0.9, 1.1, 0.95, 1.05, 1.0, 1.0, 1.0, 0.9, 1.1, 0.95, 1.05]
    rounds = [PairedRun(seconds(f=(1, 1)), seconds(f=(ratio * each, 1))) for each in spread]
    found = wanted(rounds, SamplingPlan(0.02, proves_equality=False))
    assert (found > 11) == (pairs > 11)
