"""The gate's decisions, on small worlds that are known whole."""

import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.validator.decision.evidence import (
    BENCHMARK_PREFIX,
    Candidate,
    DoesNotApply,
    Finished,
    Land,
    NeedRuns,
    NoReport,
    Reject,
    RunComparison,
    RunPlan,
    SuiteProfile,
    Undecided,
)
from services.validator.decision.evidence_log import FLAKY_REPEATS
from services.validator.decision.gate import decide
from services.validator.decision.inference import FAILURES_TO_BLAME, FAILURES_TO_CONFIRM
from services.validator.decision.rates import FailureRate

TESTS = tuple(f"tests/test_{n % 3}.py::test_{n}" for n in range(9))


@dataclass
class World:
    """Which tests which sets of changes break, what does not compose alone, what never reports."""

    breaks: dict[frozenset[int], frozenset[str]]
    needs: dict[int, int] = field(default_factory=dict)
    broken: frozenset[int] = frozenset()
    known: bool = True
    flaky: dict[str, random.Random] = field(default_factory=dict)

    def failing(self, changes: set[int]) -> frozenset[str]:
        found: set[str] = set()
        for together, tests in self.breaks.items():
            if together <= changes:
                found |= tests
        return frozenset(found)

    def needed(self, change: int, here: list[int]) -> frozenset[str]:
        """What the gate is told that a patch stands on; it may have been overlooked."""
        need = self.needs.get(change) if self.known else None
        if need is None or need not in here:
            return frozenset()
        return self.needed(need, here) | {str(need)}

    def observe(self, run: RunPlan, landed: set[int]) -> RunComparison | NoReport | DoesNotApply:
        mine = {int(each) for each in run.changes}
        there = mine | landed
        if any(need not in there for each, need in self.needs.items() if each in mine):
            return DoesNotApply()
        if mine & self.broken:
            return NoReport("no report")
        asked = set(run.tests) or set(TESTS)
        worse = set(self.failing(there) - self.failing(landed))
        failures = dict.fromkeys(worse, run.repeat)
        for test, chance in self.flaky.items():
            if failed := sum(chance.random() < 0.3 for _ in range(run.repeat)):
                failures.setdefault(test, failed)
        worse = failures.keys() & asked
        return RunComparison(frozenset(worse), failures=failures if run.repeat > 1 else {})


@dataclass
class Story:
    landed: list[int] = field(default_factory=list)
    rejected: dict[int, set[int]] = field(default_factory=dict)
    undecided: list[int] = field(default_factory=list)
    unbuildable: list[int] = field(default_factory=list)
    runs: list[RunPlan] = field(default_factory=list)


def play(world: World, count: int) -> Story:
    """What the use case does, without git and processes: epochs until everything has moved."""
    story, waiting = Story(), list(range(count))
    while waiting:
        log: dict = {}
        landed = set(story.landed)
        left = [n for n in waiting if world.needs.get(n) in (None, *landed, *waiting)]
        story.unbuildable += [n for n in waiting if n not in left]
        waiting = left
        here = list(waiting)
        while here:
            gone = [
                n
                for n in here
                if (need := world.needs.get(n)) is not None and need not in landed | set(here)
            ]
            if gone:
                story.unbuildable += gone
                here = [n for n in here if n not in gone]
                waiting = [n for n in waiting if n not in gone]
                continue
            candidates = [Candidate(str(n), n, needs=world.needed(n, here)) for n in here]
            step = decide(candidates, log)
            assert step == decide(candidates, dict(log)), "replay"
            match step:
                case NeedRuns(runs=(wanted,)):
                    run = wanted.plan
                    assert run not in log, "nothing is run twice"
                    assert len(story.runs) < 3000, "livelock"
                    log[run] = world.observe(run, landed)
                    story.runs.append(run)
                case Reject(change=change):
                    story.rejected[int(change)] = landed
                    here.remove(int(change))
                    waiting.remove(int(change))
                case Undecided(change=change):
                    story.undecided.append(int(change))
                    here.remove(int(change))
                    waiting.remove(int(change))
                case Land(changes=changes, plan=run):
                    assert run.tests == ()
                    assert run.changes == changes
                    assert run in log
                    story.landed += [int(each) for each in changes]
                    waiting = [n for n in waiting if str(n) not in changes]
                    break
                case Finished():
                    break
    return story


def a_test(n: int) -> frozenset[str]:
    return frozenset({TESTS[n % len(TESTS)]})


def test_a_good_batch_lands_in_one_full_run():
    story = play(World({}), 12)
    assert story.landed == list(range(12))
    assert story.runs == [RunPlan(tuple(str(n) for n in range(12)))]


def test_a_single_culprit_is_refused_and_the_rest_lands_after_two_full_runs():
    story = play(World({frozenset({5}): a_test(1)}), 16)
    assert list(story.rejected) == [5]
    assert story.landed == [n for n in range(16) if n != 5]
    assert sum(not run.tests for run in story.runs) == 2
    assert sum(bool(run.tests) for run in story.runs) <= 10


def test_three_culprits_are_each_refused():
    breaks = {frozenset({n}): a_test(n) for n in (2, 7, 11)}
    story = play(World(breaks), 16)
    assert sorted(story.rejected) == [2, 7, 11]
    assert len(story.landed) == 13
    assert sum(not run.tests for run in story.runs) == 2


def test_of_two_that_fail_only_together_the_later_is_refused_on_the_head_with_the_earlier():
    story = play(World({frozenset({1, 3}): a_test(0)}), 5)
    assert story.rejected == {3: {0, 1, 2, 4}}
    assert story.landed == [0, 1, 2, 4]


def test_a_change_without_a_report_is_never_landed_nor_blamed():
    story = play(World({}, broken=frozenset({2})), 4)
    assert story.undecided == [2]
    assert sorted(story.landed) == [0, 1, 3]
    assert not story.rejected


FULL, AGAIN, HEAD = RunPlan(("0",)), RunPlan(("0",), (TESTS[0],), 1), RunPlan((), (TESTS[0],))
FAILED, PASSED = RunComparison(a_test(0)), RunComparison(frozenset())


def one(log: dict):
    return decide([Candidate("0", 0)], log)


def asked(step) -> RunPlan:
    assert isinstance(step, NeedRuns), step
    return step.runs[0].plan


def test_a_change_is_refused_once_it_failed_three_times_and_the_head_passed_again():
    log: dict = {FULL: FAILED}
    while isinstance(step := one(log), NeedRuns):
        assert len(log) < FAILURES_TO_BLAME + 1
        log[asked(step)] = FAILED if asked(step).changes else PASSED
    assert isinstance(step, Reject)
    assert step.tests == (TESTS[0],)
    assert HEAD in log
    assert sum(bool(run.changes) for run in log) == FAILURES_TO_BLAME


def answered(log: dict, changed: int, head: int):
    """The last step, where so many of ten repetitions fail with the change, and on the head."""
    while isinstance(step := one(log), NeedRuns):
        run = step.runs[0].plan
        assert run.repeat == FLAKY_REPEATS
        failed = changed if run.changes else head
        worse = a_test(0) if failed else frozenset()
        log[run] = RunComparison(worse, failures={TESTS[0]: failed} if failed else {})
    return step


def test_what_fails_on_the_head_just_so_blames_nobody():
    log: dict = {FULL: FAILED}
    log[asked(one(log))] = FAILED
    log[HEAD] = FAILED
    assert answered(log, changed=3, head=2) == Land(("0",), FULL)


def test_what_fails_on_the_head_now_and_then_is_still_blamed_on_who_breaks_it():
    log: dict = {FULL: FAILED}
    log[asked(one(log))] = FAILED
    log[HEAD] = FAILED
    assert isinstance(answered(log, changed=10, head=1), Reject)


def test_a_test_that_fails_and_passes_is_repeated_before_it_is_nobodys_fault():
    log: dict = {FULL: FAILED}
    log[asked(one(log))] = PASSED
    assert answered(log, changed=0, head=0) == Land(("0",), FULL)
    assert any(run.changes and run.repeat == FLAKY_REPEATS for run in log)


def test_a_change_that_makes_a_test_flaky_is_refused():
    log: dict = {FULL: FAILED}
    log[asked(one(log))] = PASSED
    assert isinstance(answered(log, changed=5, head=0), Reject)
    assert sum(not run.changes for run in log) == FAILURES_TO_CONFIRM
    assert (
        sum(run.repeat for run in log if run.changes and run.repeat > 1)
        == FAILURES_TO_CONFIRM * FLAKY_REPEATS
    )


def test_a_test_that_is_known_to_be_flaky_is_compared_with_what_is_known():
    known = SuiteProfile(flaky={TESTS[0]: FailureRate(10, 30)})
    log: dict = {FULL: FAILED}
    step = decide([Candidate("0", 0)], log, suite=known)
    assert (asked(step).changes, asked(step).repeat) == (("0",), FLAKY_REPEATS)
    log[asked(step)] = RunComparison(a_test(0), failures={TESTS[0]: 3})
    assert decide([Candidate("0", 0)], log, suite=known) == Land(("0",), FULL)


class Unmeasurable:
    """Benchmarks that give no report with some changes, or on the head; no test fails."""

    def __init__(self, *changes: str, head: bool = False) -> None:
        self.changes, self.head = set(changes), head
        self.runs: list[RunPlan] = []

    def see(self, run: RunPlan) -> RunComparison | NoReport:
        self.runs.append(run)
        measuring = BENCHMARK_PREFIX in run.tests
        if measuring and (self.head or not self.changes.isdisjoint(run.changes)):
            return NoReport("no report")
        return RunComparison(frozenset())

    def judged(self, *changes: str) -> list:
        """The decisions until each has landed or left, on one head after the other."""
        log, left, steps = {}, list(changes), []
        while left:
            candidates = [Candidate(each, int(each)) for each in left]
            step = decide(candidates, log, suite=SuiteProfile(benchmarks=True))
            if isinstance(step, NeedRuns):
                log |= {each.plan: self.see(each.plan) for each in step.runs}
                continue
            steps.append(step)
            gone = step.changes if isinstance(step, Land) else (step.change,)
            left = [each for each in left if each not in gone]
            log = {} if isinstance(step, Land) else log
        return steps


def test_what_keeps_the_benchmarks_from_reporting_is_found_and_goes_without_blame():
    world = Unmeasurable("2")
    *landed, last = sorted(world.judged("0", "1", "2", "3"), key=lambda e: isinstance(e, Undecided))
    assert last == Undecided("2", "no report")
    assert sorted(each for step in landed for each in step.changes) == ["0", "1", "3"]
    measured = {run.changes for run in world.runs if run.tests == (BENCHMARK_PREFIX,)}
    assert measured >= {step.changes for step in landed}, "nothing lands unmeasured"


def test_benchmarks_that_give_no_report_on_the_head_either_are_in_nobodys_way():
    world = Unmeasurable(head=True)
    assert world.judged("0", "1") == [Land(("0", "1"), RunPlan(("0", "1")))]
    assert [each.changes for each in world.runs] == [("0", "1"), ("0", "1"), ()]


CHANGES = st.integers(0, 7)
WORLDS = st.builds(
    World,
    breaks=st.dictionaries(
        st.frozensets(CHANGES, min_size=1, max_size=3),
        st.frozensets(st.sampled_from(TESTS), min_size=1, max_size=4),
        max_size=5,
    ),
    needs=st.dictionaries(CHANGES, CHANGES, max_size=4).map(
        lambda needs: {later: earlier for later, earlier in needs.items() if earlier < later}
    ),
    broken=st.frozensets(CHANGES, max_size=2),
    known=st.booleans(),
)


@settings(max_examples=400)
@given(WORLDS)
def test_what_lands_passes_and_what_is_refused_fails_alone_on_what_has_landed(world: World):
    story = play(world, 8)
    assert not world.failing(set(story.landed)), "a wrong landing"
    for change, landed in story.rejected.items():
        assert world.failing(landed | {change}), "a wrong refusal"
    ended = [*story.landed, *story.rejected, *story.undecided, *story.unbuildable]
    assert sorted(ended) == list(range(8)), "each ends once"
    assert not set(story.landed) & world.broken


@pytest.mark.parametrize("seed", range(30))
def test_flaky_tests_never_make_a_good_change_refused_wrongly_often(seed):
    chance = random.Random(seed)
    world = World({frozenset({3}): a_test(0)}, flaky={TESTS[4]: chance})
    story = play(world, 6)
    assert 3 in story.rejected
    assert set(story.rejected) == {3}


QUICK = SuiteProfile(dict.fromkeys(TESTS, 0.01) | {"tests/slow.py::test": 2.0}, startup=0.4)


def search(bad: set[str], *, width: int = 1, reach: bool = True, suite: SuiteProfile = QUICK):
    """Return all runs in their order, and the last step, of a gate with nine changes.

    The n-th change is reached by the n-th test, and breaks it if `bad` has it.
    """
    changes = {
        str(n): Candidate(str(n), n, impacted=a_test(n) if reach else None) for n in range(9)
    }
    log: dict = {}
    asked_for: list = []
    while True:
        step = decide(list(changes.values()), log, suite=suite, max_runs=width)
        match step:
            case NeedRuns(runs=wanted):
                for each in wanted:
                    broken = {TESTS[int(c)] for c in bad & {*each.plan.changes}}
                    log[each.plan] = RunComparison(
                        frozenset(broken & set(each.plan.tests or TESTS))
                    )
                    asked_for.append(each)
            case Reject(change=change):
                del changes[change]
            case _:
                return asked_for, step


def purposes(runs) -> list[tuple[str, int]]:
    return [(each.purpose, len(each.plan.changes)) for each in runs]


def test_who_stands_out_is_tried_alone_before_the_batch_is_tried_again():
    runs, end = search({"4"})
    assert purposes(runs) == [
        ("quick gate", 9),
        ("blame", 1),
        ("confirmation", 1),
        ("base again", 0),
        ("full run", 8),
    ]
    assert isinstance(end, Land)


def test_where_nobody_stands_out_the_batch_is_tried_again_first():
    assert purposes(search({"4"}, reach=False)[0])[:3] == [
        ("full run", 9),
        ("confirmation", 9),
        ("base again", 0),
    ]


def test_several_who_failed_alone_are_confirmed_in_one_run_and_seen_on_the_head_in_one():
    runs, _ = search({"2", "4", "7"})
    assert purposes(runs)[1:] == [
        *[("blame", 1)] * 3,
        ("confirmation", 3),
        ("base again", 0),
        ("full run", 6),
    ]


def test_tests_run_twice_in_a_run_only_where_most_of_it_is_its_start():
    slow = SuiteProfile(dict.fromkeys(TESTS, 0.4), startup=0.1)
    assert {each.plan.repeat for each in search({"4"})[0] if each.purpose == "blame"} == {2}
    assert {each.plan.repeat for each in search({"4"}, suite=slow)[0]} == {1}


def test_a_second_runner_makes_the_full_run_of_those_whom_nobody_suspects_ahead():
    runs, end = search({"2", "4"}, width=2)
    assert purposes(runs)[1:3] == [("blame", 1), ("full run", 7)]
    assert sum(each.purpose == "full run" for each in runs) == 1
    assert isinstance(end, Land)
    assert len(end.changes) == 7


def test_nothing_is_run_ahead_of_a_guess_that_nothing_supports():
    runs, _ = search({"2", "4"}, width=2, reach=False)
    ahead = [each for each in runs if "ahead" in each.why]
    assert all(not {"2", "4"} & {*each.plan.changes} for each in ahead)
    assert "ahead" not in runs[1].why + runs[2].why


@pytest.mark.parametrize(("seconds", "repeat"), [(0.02, 1), (0.005, 2), (0.0, FLAKY_REPEATS - 1)])
def test_a_look_repeats_its_tests_as_far_as_that_costs_little(seconds, repeat):
    suite = SuiteProfile(dict.fromkeys(TESTS, seconds) | {"tests/slow.py::test": 2.0}, startup=0.4)
    [look, *_], _ = search({"4"}, suite=suite)
    assert (look.purpose, look.plan.repeat) == ("quick gate", repeat)


def test_ten_failures_in_one_run_are_one_run():
    """Two of them count, as one process that is in trouble may fail as often as it likes."""
    known = [Candidate("0", 0, impacted=a_test(0))]
    look = RunPlan(("0",), (TESTS[0],), 0, FLAKY_REPEATS)
    step = decide(known, {look: FAILED, HEAD: PASSED}, suite=QUICK)
    assert isinstance(step, NeedRuns)
    assert step.runs[0].plan.changes == ("0",)


def test_a_test_that_fails_most_times_in_a_look_is_not_one_that_passed():
    known = [Candidate(str(n), n, impacted=a_test(n)) for n in range(9)]
    suite = SuiteProfile(dict.fromkeys(TESTS, 0.0) | {"tests/slow.py::test": 2.0}, startup=0.4)
    look = asked(decide(known, {}, suite=suite))
    often = RunComparison(a_test(0), failures={TESTS[0]: look.repeat - 1})
    log: dict = {look: often, RunPlan(look.changes): FAILED}
    assert isinstance(decide(known, log, suite=suite), NeedRuns)


def test_a_flaky_test_that_is_well_known_and_really_broken_is_looked_into_to_the_end():
    """The failure rate known of the head suffices for the comparison; the head is not run again."""
    known = SuiteProfile(flaky={TESTS[0]: FailureRate(2, 19)})
    changes = {str(n): Candidate(str(n), n) for n in range(4)}
    log: dict = {}
    while not isinstance(step := decide(list(changes.values()), log, suite=known), Land):
        if isinstance(step, Reject):
            del changes[step.change]
            continue
        assert isinstance(step, NeedRuns)
        assert step.runs
        for each in step.runs:
            bad = "2" in each.plan.changes
            assert each.plan not in log
            log[each.plan] = FAILED if bad else PASSED
    assert "2" not in changes
    assert len(changes) == 3
