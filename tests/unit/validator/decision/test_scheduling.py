"""Which requested runs are started beside those that run already."""

from services.validator.decision.evidence import BENCHMARK_PREFIX, RequestedRun, RunPlan
from services.validator.decision.scheduling import runs_to_start
from shared.contracts.base import RunPurpose


def a_run(*changes: str, tests: tuple[str, ...] = ("t::1",), purpose=RunPurpose.BLAME, **plan):
    return RequestedRun(RunPlan(changes, tests, **plan), purpose, "why")


def test_a_run_is_not_started_twice():
    assert runs_to_start([a_run("a"), a_run("b")], [a_run("a")]) == [a_run("b")]


def test_a_run_of_more_tests_answers_for_fewer_with_the_same_changes():
    running = [a_run("a", tests=("t::1", "t::2"))]
    assert runs_to_start([a_run("a")], running) == []
    assert runs_to_start([a_run("a", tests=("t::3",))], running)
    assert runs_to_start([a_run("a", "b")], running)
    assert runs_to_start([a_run("a", repetition=1)], running)
    assert runs_to_start([a_run("a", repeat=10)], running)


def test_a_full_run_answers_for_all_but_benchmarks():
    full = [a_run("a", tests=(), purpose=RunPurpose.FULL_RUN)]
    assert runs_to_start([a_run("a")], full) == []
    assert runs_to_start([a_run("a", tests=(BENCHMARK_PREFIX,))], full)


def test_a_targeted_run_does_not_answer_for_a_full_one():
    full = a_run("a", tests=(), purpose=RunPurpose.FULL_RUN)
    assert runs_to_start([full], [a_run("a")]) == [full]


def test_parts_of_a_batch_wait_for_those_that_are_running():
    part, other = (a_run(each, purpose=RunPurpose.BISECTION) for each in "ab")
    assert runs_to_start([part, other], []) == [part, other]
    assert runs_to_start([other, a_run("c")], [part]) == [a_run("c")]
