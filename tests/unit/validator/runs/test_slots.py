"""How many cores a run takes, and how many runs a fleet takes at once."""

import pytest

from services.validator.runs.domain import slots
from shared.contracts.base import RunKind
from shared.contracts.documents.runs import Runner, TestCounts
from tests.support.builders import NOW, a_test_run, a_wave

WAVE = a_wave()


def a_run(seconds=10.0, *, cores=1.0, tests=100, **fields):
    """A full run that used so many cores all the time."""
    counts = TestCounts(tests=tests, passed=tests, failed=0, skipped=0)
    known = {"seconds": seconds, "cpu_seconds": seconds * cores, "counts": counts}
    return a_test_run(WAVE, **{**known, **fields})


def a_runner(slots="one", cores=4, share=None, **fields):
    share = cores if share is None else share
    known = {"home": "h", "host": slots, "free_cores": cores, "seen_at": NOW}
    return Runner(id=slots, slots=slots, cores=cores, core_limit=share, **{**known, **fields})


def test_what_was_never_measured_takes_the_whole_machine():
    assert slots.cores_used([], 8) == 8
    assert slots.cores_used([a_run(cpu_seconds=None)], 8) == 8


@pytest.mark.parametrize(
    ("used", "taken"), [(0.3, 1), (1.0, 1), (1.2, 1), (1.3, 2), (2.0, 2), (3.7, 4), (50.0, 8)]
)
def test_a_run_takes_as_many_cores_as_its_suite_used(used, taken):
    assert slots.cores_used([a_run(cores=used)], 8) == taken


def test_one_odd_run_says_nothing_about_a_suite():
    assert slots.cores_used([a_run(cores=4.0), *[a_run(cores=1.0)] * 4], 8) == 1


def test_who_was_held_up_by_others_does_not_seem_to_need_less():
    alone, crowded = a_run(cores=2.0), a_run(cores=0.9, beside=3)
    assert slots.cores_used([*[crowded] * 9, alone], 8) == 2
    assert slots.cores_used([crowded], 8) == 1


def test_benchmarks_have_the_machine_to_themselves():
    runs = [a_run()] * 5
    assert (
        slots.cores_needed(RunKind.TESTS, runs, 8)
        == slots.cores_needed(RunKind.MUTATION, runs, 8)
        == 1
    )
    assert slots.cores_needed(RunKind.BENCHMARKS, runs, 8) == 8


@pytest.mark.parametrize(("slower", "taken"), [(1.0, 1), (1.75, 1), (1.85, 8), (3.0, 8)])
def test_runs_go_one_by_one_where_two_at_once_are_measured_to_be_no_gain(slower, taken):
    crowded = [a_run(10.0 * slower, beside=1, cpu_seconds=10.0)] * slots.MIN_RUNS_TO_COMPARE
    assert slots.cores_used([*crowded, *[a_run(10.0)] * slots.MIN_RUNS_TO_COMPARE], 8) == taken


def test_that_takes_more_than_one_bad_moment():
    runs = [a_run(90.0, beside=1), *[a_run()] * 9]
    assert slots.cores_used(runs, 8) == 1
    assert slots.cores_used([a_run(), *[a_run(90.0, beside=1)] * 9], 8) == 1


def test_a_suite_that_has_grown_is_not_slower_for_that():
    grown = [a_run(30.0, tests=300, beside=1)] * slots.MIN_RUNS_TO_COMPARE
    assert slots.cores_used([*grown, *[a_run()] * slots.MIN_RUNS_TO_COMPARE], 8) == 1


def test_recorded_runs_are_compared_with_their_like():
    recorded = [a_run(30.0, record=True, beside=1)] * slots.MIN_RUNS_TO_COMPARE
    assert slots.cores_used([*recorded, *[a_run()] * 9], 8) == 1
    alone = [a_run(15.0, record=True)] * slots.MIN_RUNS_TO_COMPARE
    assert slots.cores_used([*recorded, *alone, *[a_run()] * 9], 8) == 8


def test_repeated_runs_are_no_measure():
    crowded = [a_run(90.0, repeat=9, beside=1)] * slots.MIN_RUNS_TO_COMPARE
    assert slots.cores_used([*crowded, *[a_run()] * slots.MIN_RUNS_TO_COMPARE], 8) == 1


def width(runners, per_run=1):
    return slots.max_concurrent_runs(runners, lambda _: per_run)


def test_one_run_is_always_possible():
    assert width([]) == 1
    assert width([a_runner(cores=2)], per_run=5) == 1


def test_machines_add_up_and_each_takes_what_fits():
    assert width([a_runner("one", 4), a_runner("two", 7)], per_run=3) == 1 + 2


def test_two_processes_of_a_machine_have_its_cores_once():
    assert width([a_runner("one", 4), a_runner("one", 4)]) == 4


def test_a_share_limits_its_process_and_two_of_them_add_up():
    assert width([a_runner("one", 4, share=1)]) == 1
    assert width([a_runner("one", 4, share=1), a_runner("one", 4, share=1)]) == 2
    assert width([a_runner("one", 4, share=3), a_runner("one", 4, share=3)]) == 4
    assert width([a_runner("one", 4, share=1)], per_run=4) == 1


def test_each_machine_has_measured_for_itself():
    per_run = {"one": 4, "two": 1}
    runners = [a_runner("one", 4), a_runner("two", 4)]
    assert slots.max_concurrent_runs(runners, lambda each: per_run[each.host]) == 1 + 4
