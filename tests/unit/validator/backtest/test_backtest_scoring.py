"""What an answer was worth, in figures, and what batches would have cost."""

import pytest

from services.validator.backtest.domain.backtest import (
    BacktestSpending,
    batch_cost,
    broken_by,
    score,
    summarise,
)
from services.validator.decision.evidence import SuiteProfile
from services.validator.suite.domain.reports import Outcome
from shared.contracts.documents.backtests import CorrectiveCommit, ReplayResult
from tests.support.builders import COMMIT, NOW

LATER = (CorrectiveCommit(kind="reverted", commit=COMMIT, title="t", detected_by="named"),)
NOTHING = BacktestSpending(gate={}, truth={}, full=0, targeted=0)
P, F, E, S = Outcome.PASSED, Outcome.FAILED, Outcome.ERROR, Outcome.SKIPPED


def replayed(verdict="land", number=0, **fields):
    known = {"commit": f"{number:040x}", "parent": COMMIT, "title": "t", "at": NOW}
    bad = bool(fields.get("broken_tests") or fields.get("later"))
    outcome = score(verdict, rule=bool(fields.get("rule")), bad=bad)
    return ReplayResult(**known, verdict=verdict, outcome=outcome, **fields)


@pytest.mark.parametrize(
    ("verdict", "rule", "bad", "outcome"),
    [
        ("land", False, False, "fine"),
        ("land", False, True, "missed"),
        ("refuse", False, True, "caught"),
        ("refuse", False, False, "false_alarm"),
        ("refuse", True, True, "rule"),
        ("refuse", True, False, "rule"),
        ("ask", False, True, "asked"),
        ("ask", False, False, "asked"),
        ("unknown", False, True, "unknown"),
    ],
)
def test_an_answer_is_scored_against_what_became_of_the_commit(verdict, rule, bad, outcome):
    assert score(verdict, rule=rule, bad=bad) == outcome


def test_a_commit_broke_what_fails_on_it_and_did_not_on_its_parent():
    before = {"kept": P, "was": F, "gone": P, "idle": S, "turned": P}
    after = {"kept": P, "was": F, "idle": S, "turned": E, "new": F, "fresh": P}
    assert broken_by(before, after) == {"turned", "new"}


def test_the_figures_are_the_sums_of_the_commits():
    found = summarise(
        [
            replayed(),
            replayed(later=LATER),
            replayed("refuse", broken_tests=("t::a",), tests=("t::a",)),
            replayed("refuse", tests=("t::a",)),
            replayed("ask"),
            replayed("ask", code="refuse", later=LATER),
            replayed("ask", code="land", broken_tests=("t::b",)),
            replayed("refuse", rule="too-large", later=LATER),
            replayed("unknown"),
        ],
        NOTHING,
        None,
    )
    assert (found.fine, found.missed, found.caught, found.false_alarms) == (1, 1, 1, 1)
    assert (
        found.asked,
        found.needs_approval_bad,
        found.needs_approval_rejected,
        found.needs_approval_bad_rejected,
    ) == (
        3,
        2,
        1,
        1,
    )
    assert (found.rejected_by_rule, found.rejected_by_rule_bad, found.unknown, found.commits) == (
        1,
        1,
        1,
        9,
    )


def test_a_run_that_served_the_gate_and_the_truth_is_counted_once_and_as_the_gates():
    spent = BacktestSpending({"a": 1.0, "b": 2.0}, {"b": 2.0, "c": 4.0}, 1, 1, (5.0,), 1, 0.5)
    found = summarise([replayed()], spent, None)
    assert (found.seconds, found.truth_runs, found.truth_seconds) == (3.0, 1, 4.0)
    assert (found.environments, found.environment_seconds, found.reused_runs) == (1, 5.0, 1)


TIMES = SuiteProfile({f"t::{n}": 1.0 for n in range(100)})


def test_a_batch_of_good_commits_costs_one_full_run():
    found = batch_cost([replayed(number=n) for n in range(30)], TIMES)
    assert (found.changes, found.batches, found.full, found.targeted) == (30, 2, 2, 0)
    assert found.suites == 2.0


def test_a_bad_commit_in_a_batch_costs_runs_of_its_tests_and_the_others_land():
    line = [replayed(number=n) for n in range(15)]
    line[4] = replayed("refuse", 4, tests=("t::7",))
    found = batch_cost(line, TIMES)
    assert found.batches == 1
    assert found.targeted > 0
    assert 2.0 <= found.suites < 3.0


def test_of_a_commit_for_a_person_the_other_part_is_in_the_batch():
    ask = replayed("ask", code="refuse", tests=("t::1",))
    assert batch_cost([ask], TIMES).changes == 1
    assert batch_cost([ask], TIMES).targeted > 0
    assert (
        batch_cost([replayed("ask"), replayed("unknown"), replayed("refuse", rule="r")], TIMES)
        is None
    )


def test_what_a_run_takes_besides_its_tests_is_paid_by_each():
    line = [replayed(number=n) for n in range(14)] + [replayed("refuse", 14, tests=("t::7",))]
    slow = SuiteProfile(TIMES.durations, startup=50.0)
    assert batch_cost(line, slow).suites > batch_cost(line, TIMES).suites


def test_without_times_a_run_of_a_part_counts_as_a_whole_one():
    found = batch_cost([replayed("refuse", tests=("t::1",))], SuiteProfile())
    assert found.suites == found.full + found.targeted
