"""What a plan ranks, and what it says about itself."""

import pytest

from services.coordinator.domain.planning import WHAT_TO_TRY, opportunities, plan, priority
from shared.contracts.base import Priority, Severity, WaveSize
from shared.contracts.documents.findings import Inspection
from tests.support.builders import a_finding


def found(component="a", count=1, **fields):
    return [
        a_finding(component=component, path=f"{component}/{n}.py", **fields) for n in range(count)
    ]


def planned(findings, size=WaveSize.SMALL, **foreclosed):
    return plan(findings, foreclosed=foreclosed, size=size)


@pytest.mark.parametrize(
    ("severities", "expected"),
    [
        (["note"], Priority.LOW),
        (["note", "warning"], Priority.NORMAL),
        (["note", "warning", "error"], Priority.HIGH),
        ([], Priority.LOW),
    ],
)
def test_the_worst_that_can_be_fixed_decides_the_priority(severities, expected):
    assert priority([a_finding(severity=Severity(each)) for each in severities]) == expected


def test_what_cannot_be_fixed_does_not_raise_the_priority():
    mixed = found(severity=Severity.ERROR, fixable="no") + found(severity=Severity.NOTE)
    [only] = opportunities(mixed, ())
    assert only.priority is Priority.LOW
    assert only.expected_impact == 1
    assert (only.findings, only.fixable) == (2, 1)


def test_what_a_profile_shows_to_be_hot_comes_first():
    profiled = {"fixable": "no", "run_time_share": 0.5}
    hot = [
        *found("hot", severity=Severity.NOTE, line=7),
        *found("hot", line=4, end_line=9, **profiled),
        *found("hot", line=7, end_line=7, **{**profiled, "run_time_share": 0.2}),
    ]
    beside = [
        *found("beside", severity=Severity.NOTE, line=3),
        *found("beside", line=4, end_line=9, **profiled),
        a_finding(component="beside", path="beside/other.py", line=5, severity=Severity.NOTE),
    ]
    ranked = opportunities(beside + hot, ())
    assert [each.component for each in ranked] == ["hot", "beside"]
    assert [each.priority for each in ranked] == [Priority.HIGH, Priority.LOW]
    assert [each.expected_impact for each in ranked] == [6, 2]


def test_many_fixes_in_one_file_are_worth_more_than_the_same_in_many_files():
    gathered = [a_finding(component="gathered", path="g.py") for _ in range(5)]
    chosen = planned(found("all_over", 5) + gathered).chosen
    assert [each.component for each in chosen] == ["gathered", "all_over"]


def test_equals_are_ranked_by_name_whatever_the_order_of_the_findings():
    findings = found("b") + found("c") + found("a")
    for given in (findings, findings[::-1]):
        assert [each.component for each in planned(given).chosen] == ["a", "b", "c"]


def test_each_agent_type_takes_up_what_its_own_detectors_found():
    both = found() + found(agent_type="security")
    assert {each.agent_type for each in opportunities(both, ())} == {"code_quality", "security"}


def test_a_description_counts_the_commonest_rules_first():
    findings = found(count=3, rule="F401") + found(count=2, rule="B007") + found(fixable="no")
    [only] = planned(findings).chosen
    assert only.description == "5 of 6 findings can be fixed: F401 x3, B007 x2"


def test_a_description_names_four_rules_and_counts_the_others():
    findings = [each for n in range(6) for each in found(count=7 - n, rule=f"R{n}")]
    [only] = planned(findings).chosen
    assert only.description.endswith("R0 x7, R1 x6, R2 x5, R3 x4 and 2 more")


@pytest.mark.parametrize(
    ("size", "components", "promise"),
    [
        (WaveSize.SMALL, 2, "A small wave has 3 to 5 tasks; this one has 2"),
        (WaveSize.LARGE, 9, "A large wave has 10 to 15 tasks; this one has 9"),
    ],
)
def test_a_wave_smaller_than_promised_says_so(size, components, promise):
    findings = [each for n in range(components) for each in found(f"c{n}")]
    [note] = planned(findings, size).notes
    assert note.startswith(promise)
    assert f"something to fix for only {components} agents" in note


@pytest.mark.parametrize(
    ("size", "components"),
    [(WaveSize.SMALL, 3), (WaveSize.SMALL, 5), (WaveSize.LARGE, 10), (WaveSize.LARGE, 15)],
)
def test_a_wave_that_keeps_its_promise_has_nothing_to_explain(size, components):
    findings = [each for n in range(components) for each in found(f"c{n}")]
    decided = planned(findings, size)
    assert len(decided.chosen) == components
    assert decided.notes == ()


def test_what_is_left_is_named_the_most_valuable_first_and_not_without_end():
    findings = [each for n in range(20) for each in found(f"c{n:02}", 1)]
    [note] = planned(findings).notes
    assert note == "Left for a later wave: c05, c06, c07, c08, c09, c10, c11, c12."


def test_foreclosed_findings_are_explained_by_what_stopped_them():
    findings = found("a", 2, rule="F401") + found("a", 1, rule="B007") + found("b", 1)
    why = dict.fromkeys([each.fingerprint for each in findings[:2]], "it was rolled back")
    why[findings[2].fingerprint] = "refused because of t::a"
    why[findings[3].fingerprint] = "refused because of t::a"
    decided = plan(findings, foreclosed=why, size=WaveSize.SMALL)
    assert decided.chosen == ()
    assert [note.partition(", and the code")[0] for note in decided.notes] == [
        "2 findings in a (F401) are not tried again: it was rolled back",
        "1 finding in a (B007) is not tried again: refused because of t::a",
        "1 finding in b (F401) is not tried again: refused because of t::a",
    ]


def test_a_foreclosure_of_something_that_is_gone_is_not_mentioned():
    decided = plan(
        found(count=1) + found("b") + found("c"),
        foreclosed={"gone": "it was rolled back"},
        size=WaveSize.SMALL,
    )
    assert decided.notes == ()


def test_findings_outside_every_component_are_not_called_unfixable():
    [note] = planned(found("", 3, fixable="safe")).notes
    assert "has an automatic fix" not in note


@pytest.mark.parametrize("findings", [[], found()])
def test_what_was_left_out_is_said_once_whatever_is_found(findings):
    left = "Left alone as vendored: a/_vendor/x.py."
    read = [
        Inspection(agent_type=name, lines=1, rules=1, notes=(left,)) for name in ("one", "other")
    ]
    notes = plan(findings, foreclosed={}, size=WaveSize.SMALL, inspections=read).notes
    assert notes.count(left) == 1


READ = [
    Inspection(agent_type="code_quality", lines=1, rules=40),
    Inspection(agent_type="security", lines=812, rules=3),
]


@pytest.mark.parametrize("findings", [[], found(fixable="no")], ids=["none", "none to fix"])
def test_where_nothing_is_chosen_it_says_who_looked_and_what_to_try(findings):
    notes = plan(findings, foreclosed={}, size=WaveSize.SMALL, inspections=READ).notes
    assert notes[-2:] == (
        "Who looked: code_quality read 1 line with 40 rules, security read 812 lines with 3 rules.",
        WHAT_TO_TRY,
    )
    assert "groundswell init" in WHAT_TO_TRY


def test_where_something_is_chosen_nobody_needs_to_know_who_looked():
    notes = plan(found(), foreclosed={}, size=WaveSize.SMALL, inspections=READ).notes
    assert not [each for each in notes if each.startswith("Who looked") or each == WHAT_TO_TRY]


def test_without_any_inspection_nobody_is_said_to_have_looked():
    [note] = planned([]).notes
    assert note == "There are no findings, so there is nothing to do."
