"""The figures of a report: what was not measured is None."""

from datetime import timedelta

from services.api.domain.measures import compare_health, last_benchmarks, sum_recall, sum_test_time
from services.api.domain.report import WaveRecords, make_report, needing_approval
from shared.contracts.base import RunKind
from shared.contracts.documents.protection import Protection, SurvivingMutant
from shared.contracts.documents.runs import BenchmarkResult, Recall, TestCounts
from shared.contracts.report import BaselineSummary
from shared.kernel.ids import uuid7
from tests.support.builders import NOW, a_health, a_target, a_test_run, a_wave, an_enhancement

WAVE = a_wave()
COUNTS = TestCounts(tests=9, passed=9, failed=0, skipped=0)
BASE = BaselineSummary(tests=9, passed=9, skipped=0, failing=(), seconds=8.0)


def a_run(seconds, **fields):
    known = {"state": "finished", "outcome": "reported", "counts": COUNTS, "changes": (WAVE.id,)}
    return a_test_run(WAVE, seconds=seconds, **{**known, **fields})


def test_test_time_is_told_as_runs_of_the_whole_suite():
    runs = [
        a_run(9.0, purpose="baseline", changes=(), record=True),
        a_run(50.0, purpose="baseline", changes=()),
        a_run(4.0),
        a_run(5.0),
        a_run(6.0),
        a_run(1.0, tests=("t::a",)),
        a_run(3.0, kind=RunKind.MUTATION, counts=None),
        a_run(99.0, state="superseded"),
    ]
    made = sum_test_time(runs, BASE)
    assert (made.runs, made.seconds, made.suite_seconds) == (7, 78.0, 5.0)
    assert made.suites == 78 / 5


def test_where_only_the_head_ran_whole_that_is_the_measure_and_without_it_there_is_none():
    part = [a_run(1.0, tests=("t::a",))]
    assert sum_test_time(part, BASE).suites == 1 / 8
    assert sum_test_time(part, None).suites is None
    assert sum_test_time([], BASE) is None


def test_the_dimensions_of_one_component_are_taken_together():
    """Two agent types measure it, and neither hides what the other found."""
    quality = a_health(WAVE, score=90.0, metrics={"findings": 3.0})
    tidiness = a_health(WAVE, score=50.0, metrics={"findings": 4.0}, dimension="tidiness")
    both, better = [quality, tidiness], [quality, tidiness.model_copy(update={"score": 70.0})]
    made = compare_health(both, better, [])
    [component] = made.components
    assert (component.score_before, component.score_after) == (70.0, 80.0)
    assert (component.findings_before, component.findings_after) == (7, 7)
    assert (made.score_before, made.score_after) == (70.0, 80.0)


def test_benchmarks_are_those_that_were_compared_last():
    def compared(answer, seconds, **fields):
        said = BenchmarkResult(name="load", answer=answer, ratio=1.0)
        late = NOW + timedelta(seconds=seconds)
        known = {"kind": RunKind.BENCHMARKS, **fields}
        return a_run(1.0, benchmarks=(said,), finished_at=late, **known)

    found = [
        compared("inconclusive", 2),
        compared("worse", 1),
        compared("new", 3, state="requested"),
        compared("same", 4, changes=()),
        compared("better", 5, kind=RunKind.GAIN),
    ]
    assert [each.answer for each in last_benchmarks(found)] == ["inconclusive"]
    assert last_benchmarks([a_run(1.0)]) == ()


def test_recall_is_summed_over_components_and_none_where_nothing_was_counted():
    def counted(component, **counts):
        known = {"id": component, "target_id": uuid7(), "component": component, "changed_at": NOW}
        return Recall(**known, **counts)

    found = sum_recall([counted("a", caught=2), counted("b", caught=1, missed=1)])
    assert (found.caught, found.missed, found.total) == (3, 1, 0)
    assert sum_recall([counted("a")]) is None
    assert sum_recall([]) is None
    shown = sum_recall([counted("a", runs=1, selected=3, total=9)])
    assert (shown.selected, shown.total) == (3, 9)


class TestNeedingApproval:
    FAULTS = tuple(
        SurvivingMutant(path="m.py", line=n, description=f"w{n}", reached=n == 2) for n in (1, 2, 3)
    )

    def shown(self, asks, protection=None, **fields):
        return needing_approval(
            an_enhancement(approval_reason=asks, protection=protection, **fields)
        )

    def test_an_unprotected_change_says_the_first_fault_and_how_many_more(self):
        found = Protection(state="unprotected", survived=self.FAULTS, summary="3 of 4: a; b: c")
        shown = self.shown(f"it is unprotected: {found.summary}", found)
        assert shown.group == "it is unprotected"
        assert shown.because == "m.py:1, which no test reaches: w1"
        assert shown.more == 2

    def test_what_asks_for_another_reason_says_that_one(self):
        found = Protection(state="unprotected", survived=self.FAULTS, summary="s")
        shown = self.shown("it touches what judges it: conftest.py, tests/a.py", found)
        assert (shown.group, shown.because) == (
            "it touches what judges it",
            "conftest.py, tests/a.py",
        )
        assert shown.more == 0
        plain = self.shown("the target's policy requires approval of every change")
        assert (plain.group, plain.because) == (plain.asks, "")

    def test_only_a_full_run_is_a_full_run(self):
        assert not self.shown("x", evidence=("passes the tests that reach it",)).full_run
        assert self.shown("x", run=uuid7()).full_run


def report(*changes, runs=(), recall=()):
    made = WaveRecords(WAVE, a_target(), changes, runs, (), (), recall=recall)
    return make_report(made)


def test_a_wave_without_a_measurement_shows_no_figure():
    made = report(an_enhancement(state="rejected"))
    assert (made.test_time, made.protection, made.recall) == (None, None, None)
    assert made.benchmarks == ()


def test_the_share_of_what_is_protected_counts_only_what_was_tried():
    def change_with(state, mutants, killed):
        found = Protection(
            state=state, mutants=mutants, killed=killed, lines=mutants, protected_lines=killed
        )
        return an_enhancement(state="rejected", protection=found)

    made = report(
        change_with("protected", 3, 3),
        change_with("unprotected", 2, 1),
        change_with("nothing", 0, 0),
    )
    share = made.protection
    assert (share.changes, share.protected_changes) == (2, 1)
    assert (share.lines, share.protected_lines) == (5, 4)


def test_who_was_sent_back_is_listed_until_it_is_over():
    tests = ("t::a", "t::b")
    held = an_enhancement(state="cleared", returned=1, suspected=tests)
    left = an_enhancement(state="validating", returned=1)
    fresh = an_enhancement(state="cleared")
    over = an_enhancement(state="rejected", returned=2)
    made = report(held, left, fresh, over)
    assert [each.id for each in made.returned] == [held.id, left.id]
    assert made.returned[0].reason == (
        "it seems to break t::a and 1 more, but only together with other changes"
    )
    assert made.returned[0].tests == tests
    assert made.returned[1].reason == "it was not part of what landed"
