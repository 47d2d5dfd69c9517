"""The story of a change, from documents in any order: in order, and nothing made up."""

import random
from datetime import timedelta

import pytest

from services.api.domain.story import make_story
from shared.contracts.base import RunKind
from shared.contracts.documents.base import StateTransition
from shared.contracts.documents.enhancements import Approval, Rollback
from shared.contracts.documents.findings import Prediction
from shared.contracts.documents.protection import Protection, SurvivingMutant
from shared.contracts.documents.runs import BenchmarkResult, TestCounts
from shared.contracts.documents.watches import Watch, WatchedChange
from shared.kernel.ids import short_id
from tests.support.builders import COMMIT, NOW, SHA, a_task, a_test_run, a_wave, an_enhancement

NEXT, LANDED, BACK = "d" * 40, "e" * 40, "f" * 40
TESTS = ("t::a", "t::b")


def at(seconds):
    return NOW + timedelta(seconds=seconds)


def history(*moves):
    """Make a history of moves, each (state, seconds), (…, why) or (…, why, tests)."""
    return tuple(
        StateTransition(state=state, at=at(when), **dict(zip(("why", "tests"), more, strict=False)))
        for state, when, *more in moves
    )


class Gatehouse:
    """A change of a wave, four others, and the runs about them."""

    def __init__(self, *moves, **fields):
        self.wave = a_wave()
        self.task = a_task(self.wave)
        self.change = an_enhancement(self.task, history=history(*moves), **fields)
        self.others = tuple(
            an_enhancement(self.task, title=f"other {n}", order=n + 1) for n in range(4)
        )
        self.runs = []

    def run(self, purpose, when, *others, mine=True, asked=(), worse=(), **fields):
        changes = (*((self.change.id,) if mine else ()), *(self.others[n].id for n in others))
        tests = len(asked) or 31
        known = {
            "state": "finished",
            "outcome": "reported",
            "changes": changes,
            "tests": asked,
            "worse": worse,
            "failing": worse or (),
            "counts": TestCounts(tests=tests, passed=tests, failed=0, skipped=0),
            "seconds": 2.0,
            "finished_at": at(when),
        }
        run = a_test_run(self.wave, purpose=purpose, **{**known, **fields})
        self.runs.append(run)
        return run

    def tell(self, *watches):
        return make_story(self.change, self.runs, self.others, watches)

    def told(self, *watches):
        return [(each.kind, each.sentence) for each in self.tell(*watches).steps]


def a_refusal():
    house = Gatehouse(("cleared", 1), ("validating", 2), ("rejected", 9, "2 tests", TESTS))
    house.run("baseline", 2, mine=False)
    house.run("full run", 3, 0, 1, 2, 3, worse=TESTS, why="all of them together")
    house.run("bisection", 4, 0, asked=TESTS, worse=TESTS)
    house.run("bisection", 5, 1, 2, mine=False, asked=TESTS)
    blame = house.run("blame", 6, asked=TESTS, worse=TESTS)
    house.run("base again", 7, mine=False, asked=TESTS)
    again = house.run("confirmation", 8, asked=TESTS, worse=TESTS)
    house.change = house.change.updated(
        state="rejected", decision__tests=TESTS, decision__run=again.id, decision__reason="2 tests"
    )
    return house, blame, again


def test_a_refusal_is_told_from_the_proposal_to_the_runs_that_say_so():
    house, blame, again = a_refusal()
    runs = f"(runs {short_id(blame.id)}, {short_id(again.id)})"
    assert house.told() == [
        ("proposed", "by agent-code-quality-1 (rules); 95 % of such changes are expected to land"),
        ("cleared", "its lease is valid, and it changes nothing outside of it"),
        ("head", "31 tests, none failing"),
        ("run", "with 4 others: 31 tests, 2 worse: one of 5 suspects"),
        (
            "run",
            f"with other 0 ({short_id(house.others[0].id)}): 2 tests, 2 worse: one of 2 suspects",
        ),
        ("run", "alone: 2 tests, 2 worse: the only suspect"),
        ("head", "again: 2 tests: they pass without it"),
        ("run", "alone: 2 tests, 2 worse: the only suspect"),
        ("rejected", f"2 tests {runs}"),
    ]
    step = house.tell().steps[3]
    assert (step.run, step.changes, step.tests, step.worse) == (house.runs[1].id, 5, 31, 2)
    assert (step.against, step.asked, step.seconds) == (TESTS, "all of them together", 2.0)
    assert house.tell().steps[-1].against == TESTS


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_same_story_in_whatever_order_and_however_often_it_comes(seed):
    house, _, _ = a_refusal()
    first = house.tell()
    runs = [*house.runs, *house.runs]
    random.Random(seed).shuffle(runs)
    assert make_story(house.change, runs, reversed(house.others)) == first


def test_whoever_is_cleared_hears_of_the_runs_that_did_it_and_of_no_more():
    house = Gatehouse(("cleared", 1), ("validating", 2))
    house.run("full run", 3, 0, 1, worse=TESTS)
    house.run("bisection", 4, 0, mine=False, asked=TESTS, worse=("t::a",))
    house.run("bisection", 5, 1, asked=TESTS)
    house.run("bisection", 6, 0, mine=False, asked=TESTS, worse=("t::a",))
    house.run("base again", 7, mine=False, asked=("t::a",))
    assert [text for kind, text in house.told() if kind in {"run", "run_without", "head"}] == [
        "with 2 others: 31 tests, 2 worse: one of 3 suspects",
        "t::a worse without it as well",
        f"with other 1 ({short_id(house.others[1].id)}): 2 tests, none worse: cleared",
    ]


def test_a_run_with_approved_edits_says_what_they_changed_about_the_tests():
    house = Gatehouse(("cleared", 1))
    dropped = tuple(f"t::{n}" for n in range(7))
    house.run("full run", 3, approved=("tests/test_t.py",), dropped=dropped)
    _, text = house.told()[-1]
    assert text == (
        "alone: 31 tests, none worse; what judges it was edited with approval (tests/test_t.py); "
        "appeared: none; vanished or skipped: t::0, t::1, t::2, t::3, t::4 and 2 more"
    )


def test_what_fails_on_the_head_too_is_said_there():
    house = Gatehouse(("cleared", 1))
    house.run("full run", 3, 0, worse=TESTS)
    house.run("base again", 4, mine=False, asked=TESTS, worse=("t::b",))
    assert house.told()[-1] == ("head", "again: 2 tests: t::b failing there too")


def test_a_run_on_another_head_says_nothing_about_this_one():
    house = Gatehouse(("cleared", 1))
    house.run("full run", 3, 0, worse=TESTS)
    house.run("bisection", 4, 1, mine=False, asked=TESTS, worse=TESTS, head=NEXT)
    house.run("baseline", 5, mine=False, head=NEXT)
    assert [kind for kind, _ in house.told()] == ["proposed", "cleared", "run"]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        (
            {"outcome": "infrastructure", "detail": "killed\nlog"},
            "no report, so no change is blamed",
        ),
        ({"state": "superseded"}, "cancelled, because its answer was no longer needed"),
        ({"state": "requested", "finished_at": None, "created_at": at(3)}, "not finished"),
        ({"worse": None, "failing": ("t::a",)}, "31 tests, 1 failing"),
    ],
)
def test_a_run_without_an_answer_accuses_nobody(fields, text):
    house = Gatehouse(("cleared", 1))
    house.run("full run", 3, 0, **{"worse": TESTS, **fields})
    house.run("base again", 4, mine=False, asked=TESTS)
    steps = house.told()
    assert text in steps[-1][1]
    assert [kind for kind, _ in steps] == ["proposed", "cleared", "run"]
    assert (house.tell().steps[-1].seconds is None) == (
        fields.get("state") in {"requested", "superseded"}
    )


def test_one_that_is_held_back_and_lands_on_the_next_head_tells_both():
    house = Gatehouse(
        ("cleared", 1),
        ("validating", 2),
        ("cleared", 5, "", TESTS),
        ("validating", 6),
        ("validated", 8),
        ("applied", 9),
        prediction=Prediction(metric="findings.F401", direction="down", size=2, confidence=0.9),
    )
    house.run("full run", 4, 0, 1, worse=TESTS)
    last = house.run("full run", 7, 2, head=NEXT)
    fields = {
        "state": "applied",
        "landing__commit": LANDED,
        "landing__branch": "groundswell/main",
        "decision__run": last.id,
    }
    house.change = house.change.updated(**fields)
    told = house.told()
    assert told[0][1].endswith(
        "predicts findings.F401 down by 2 (90 % confident); "
        "95 % of such changes are expected to land"
    )
    assert [kind for kind, _ in told] == [
        "proposed",
        "cleared",
        "run",
        "held_back",
        "run",
        "landed",
    ]
    assert told[3][1] == (
        "it seems to break t::a and 1 more, but only together with other changes; "
        "it is tried again on the next head"
    )
    assert told[5][1] == (
        f"as {LANDED[:10]} on groundswell/main together with 1 other: "
        f"31 tests ran on exactly that tree (run {short_id(last.id)})"
    )
    assert house.tell().steps[3].against == TESTS


def test_what_was_sent_back_without_suspicion_is_told_as_that():
    house = Gatehouse(("cleared", 1), ("validating", 2), ("cleared", 3), ("validated", 4))
    assert house.told()[-1] == (
        "returned",
        "it was not part of what landed; it is tried again on the next head",
    )
    moved = Gatehouse(("cleared", 1), ("validating", 2), ("validated", 3), ("cleared", 4))
    assert "not on the branch: the branch had moved" in moved.told()[-1][1]
    assert moved.told()[-1][0] == "returned"


def test_the_mutants_the_request_and_the_decision_of_a_person_follow_each_other():
    sentence = "1 of 3 mutants survived: m.py:2: x"
    house = Gatehouse(
        ("cleared", 1),
        ("validating", 2),
        ("needs_approval", 5, f"it is unprotected: {sentence}"),
        ("cleared", 60),
        approval=Approval(by="ann", reason="seen", patch=SHA, base=COMMIT, at=at(60)),
    )
    mutation_run = house.run("mutation", 4, 0, kind=RunKind.MUTATION, worse=None, counts=None)
    found = Protection(
        state="unprotected",
        mutants=3,
        killed=2,
        survived=(SurvivingMutant(path="m.py", line=2, description="x", reached=True),),
        summary=sentence,
        run=mutation_run.id,
    )
    house.change = house.change.updated(decision__protection=found)
    assert house.told()[2:] == [
        ("mutants", f"unprotected: {sentence}"),
        ("needs_approval", "it is unprotected"),
        ("approved", "by ann: seen"),
    ]
    assert house.tell().steps[2].at == at(4)


def test_benchmarks_are_told_with_ratio_and_interval_where_they_differ_or_are_open():
    house = Gatehouse(("cleared", 1))
    said = (
        BenchmarkResult(name="load", answer="worse", ratio=1.089, low=1.051, high=1.12),
        BenchmarkResult(name="save", answer="inconclusive", ratio=1.01, low=None, high=1.2),
        BenchmarkResult(name="sum", answer="same", ratio=1.0, low=0.99, high=1.01),
    )
    house.run("benchmarks", 3, kind=RunKind.BENCHMARKS, benchmarks=said, counts=None)
    assert house.told()[-1] == (
        "benchmarks",
        (
            "1 worse, 1 inconclusive, 1 same: load costs 1.09 times as much (1.05 to 1.12); "
            "save costs 1.01 times as much"
        ),
    )


def test_a_measured_gain_is_told_with_its_ratio():
    house = Gatehouse(("cleared", 1))
    said = (BenchmarkResult(name="find", answer="better", ratio=0.25, low=0.2, high=0.3),)
    house.run("gain", 3, kind=RunKind.GAIN, benchmarks=said, counts=None)
    told = "1 better: find costs 0.25 times as much (0.20 to 0.30)"
    assert house.told()[-1] == ("benchmarks", told)


def test_benchmarks_without_a_report_are_said_not_to_be_measured():
    house = Gatehouse(("cleared", 1))
    house.run(
        "benchmarks",
        3,
        kind=RunKind.BENCHMARKS,
        outcome="infrastructure",
        detail="On the head: no file\ntail",
        counts=None,
    )
    assert house.told()[-1] == ("benchmarks", "not measured (On the head: no file)")


def test_a_rolled_back_change_names_who_did_it_and_what_its_watch_found():
    rollback = Rollback(commit=BACK, reason="t::a fails", at=at(99), automatic=True)
    house = Gatehouse(
        ("validated", 8),
        ("applied", 9),
        ("rolled_back", 99),
        rollback=rollback,
        commit=LANDED,
        branch="groundswell/main",
        evidence=("31 tests ran.",),
    )
    watch = Watch(
        id="w",
        target_id=house.change.target_id,
        wave_id=house.wave.id,
        before=COMMIT,
        after=LANDED,
        changes=(WatchedChange(enhancement_id=house.change.id, commit=LANDED),),
        state="reverted",
        minutes=60,
        checks=3,
        checks_done=2,
        checks_missed=1,
        due_at=at(99),
        rolled_back=(house.change.id,),
        notes=("t::a fails since then",),
        created_at=at(9),
        changed_at=at(98),
        finished_at=at(98),
    )
    elsewhere = watch.model_copy(update={"id": "v", "changes": ()})
    assert house.told(elsewhere, watch, watch)[1:] == [
        ("landed", f"as {LANDED[:10]} on groundswell/main; 31 tests ran."),
        (
            "watched",
            (
                "something got worse, and the culprit was rolled back: 1 of 3 checks made in "
                "60 min after it landed; this change was rolled back; t::a fails since then"
            ),
        ),
        ("rolled_back", f"automatically by its watch, with {BACK[:10]}: t::a fails"),
    ]


def test_of_a_change_without_a_history_its_end_is_told_and_no_more():
    house = Gatehouse(state="expired", reason="does not apply: m.py", finished_at=at(5))
    assert house.told()[1:] == [("expired", "does not apply: m.py")]
    assert [kind for kind, _ in Gatehouse(state="cleared").told()] == ["proposed"]


def test_a_rollback_that_was_refused_is_not_forgotten():
    house = Gatehouse(("applied", 3), rollback_refusal="t::a needs it")
    step = house.tell().steps[-1]
    assert (step.kind, step.sentence, step.at) == ("rollback_refused", "t::a needs it", None)


def test_a_run_is_never_shown_with_figures_it_does_not_have():
    house = Gatehouse(("cleared", 1))
    house.run("full run", 3, counts=None, worse=None, outcome="infrastructure", detail="died")
    step = house.tell().steps[-1]
    assert (step.tests, step.worse) == (None, None)


def test_a_change_that_waited_for_another_one_says_so_and_how_that_ended():
    why = "conflict: 'remove x' goes first: both rewrite the same lines of m.py"
    house = Gatehouse(("conflicting", 1, why), ("cleared", 2, ""))
    assert house.told()[1:] == [("waits", why), ("cleared", "what it waited for has ended")]
    lost = Gatehouse(("conflicting", 1, why), ("superseded", 2, "conflict: 'x' does all of it"))
    assert lost.told()[-1] == ("superseded", "conflict: 'x' does all of it")
