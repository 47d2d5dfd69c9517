"""A full run may be made ahead of the search for a culprit: nobody is asked about suspects then."""

from types import SimpleNamespace

from services.validator.decision.evidence import NoReport, RunComparison, RunPlan
from services.validator.gate.approvals import without_suspects

ALL = ("culprit", "cleared", "untried")
FAILED, PASSED = RunComparison(frozenset({"t::a"})), RunComparison(frozenset())


def asked_about(evidence):
    changes = {each: SimpleNamespace(id=each) for each in ALL}
    gate_round = SimpleNamespace(changes=changes, evidence=evidence)
    return [each.id for each in without_suspects(gate_round, RunPlan(ALL))]


def test_what_was_tried_only_with_what_failed_is_left_out_until_a_run_clears_it():
    together = {RunPlan(("culprit", "cleared")): FAILED}
    assert asked_about(together) == ["untried"]
    assert asked_about({**together, RunPlan(("cleared",), ("t::a",)): PASSED}) == [
        "cleared",
        "untried",
    ]


def test_a_run_without_a_report_makes_nobody_a_suspect():
    assert asked_about({RunPlan(ALL): NoReport("it crashed")}) == list(ALL)
