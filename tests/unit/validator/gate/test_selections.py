"""Which runs are made about tests that fail only where others do not run."""

from services.validator.decision.evidence import NoReport, RunComparison
from services.validator.gate.selections import SelectedFailure, Selections, by_selection
from shared.contracts.base import RunPurpose

SELECTION = ("t::a", "t::b", "t::c")
FAILURE = SelectedFailure(("one", "two"), ("t::a",), SELECTION)


def nothing(worse=()):
    return RunComparison(frozenset(worse))


def test_the_head_runs_first_then_the_changes_alone_then_in_the_whole_selection():
    selections, evidence = Selections([FAILURE]), {}
    found = []
    while run := selections.next_run(("one", "two", "three"), evidence):
        found.append((run.purpose, run.plan.changes, *by_selection(run.plan.tests).values()))
        evidence[run.plan] = nothing()
    assert found == [
        (RunPurpose.BASE_AGAIN, (), ["t::a"]),
        (RunPurpose.CHECK, ("one", "two"), ["t::a"]),
        (RunPurpose.BASE_AGAIN, (), ["t::a"]),
        (RunPurpose.CHECK, ("one", "two"), ["t::a"]),
    ]
    assert set(selections.by_label.values()) == {("t::a",), SELECTION}


def test_once_it_fails_with_the_changes_the_decision_takes_over():
    selections, evidence = Selections([FAILURE]), {}
    while run := selections.next_run(FAILURE.changes, evidence):
        evidence[run.plan] = nothing(run.plan.tests if run.plan.changes else ())
    assert [bool(plan.changes) for plan in evidence] == [False, True]


def test_what_fails_on_the_head_or_gives_no_report_there_is_no_evidence():
    for on_head in (nothing, lambda _: NoReport("it crashed")):
        selections, evidence = Selections([FAILURE]), {}
        while run := selections.next_run(FAILURE.changes, evidence):
            assert not run.plan.changes
            evidence[run.plan] = on_head(run.plan.tests)
        assert len(evidence) == 2


def test_changes_that_have_left_are_asked_nothing():
    assert Selections([FAILURE]).next_run(("one",), {}) is None
