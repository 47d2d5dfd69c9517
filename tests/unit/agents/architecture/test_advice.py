"""What no engine changes has a plan, evidence and steps, and what one changes has none."""

import pytest

from services.agents.types.architecture import SPEC
from services.agents.types.architecture.advice import read_plans
from shared.detectors.imports.detector import EVERY_CODE
from tests.support.architecture import a_source, findings, proposals
from tests.support.planted import planted

PROBLEMS = list(planted(SPEC.name, "problems"))
# Rules with a fix, and those of engines that advise themselves where they may not change a file.
CHANGED = {"type-only", "indirect", "deferrable", "contract", "cycle", "god-module"}


def test_every_rule_is_changed_or_has_a_plan():
    assert CHANGED | read_plans().keys() == EVERY_CODE


@pytest.mark.parametrize("each", PROBLEMS, ids=lambda each: each.name)
def test_every_finding_is_in_a_change_or_in_advice_and_in_no_two(each):
    source = a_source(each.files)
    made = [e for e in proposals(source) if e.findings]
    claimed = [found.fingerprint for e in made for found in e.findings]
    assert len(claimed) == len(set(claimed))
    # A cycle that edits of its imports open is not told of again.
    cut = {"imports:cycle"} if {"indirect", "type-only", "deferrable"} & set(codes(made)) else set()
    asked = {"imports:contract", "dependencies:unused"}
    open_ = [e.rule for e in findings(source) if e.fingerprint not in claimed]
    assert set(open_) <= cut | asked


def codes(made):
    return [each.rule.partition(":")[2] for each in made]


@pytest.mark.parametrize("each", PROBLEMS, ids=lambda each: each.name)
def test_advice_says_what_to_do(each):
    for advice in proposals(a_source(each.files)):
        if advice.changes is None:
            assert advice.advice.plan
            assert advice.advice.evidence
            assert advice.advice.steps
            assert "{" not in advice.advice.plan
            assert "Steps: 1. " in advice.rationale
            assert len(advice.title) < 150


def test_where_no_fix_is_wanted_a_cycle_has_advice():
    [types] = [each for each in PROBLEMS if each.name == "type-only-future"]
    policy = "[policy]\nunsafe_fixes = false\n"
    made = proposals(a_source({**types.files, "groundswell.toml": policy}))
    assert [(each.rule, each.changes) for each in made] == [("imports:cycle", None)]


@pytest.mark.parametrize("each", PROBLEMS, ids=lambda each: each.name)
def test_rules_that_advice_is_about_are_declared(each):
    """Else no agent is deployed for it where nothing can be fixed."""
    advice = [each for each in proposals(a_source(each.files)) if each.changes is None]
    assert all(e.findings[0].advice or e.findings[0].rule in SPEC.advises for e in advice)


def test_a_cycle_through_two_components_has_one_plan_about_all_of_it():
    files = {
        "pyproject.toml": '[project]\nname = "m"\nversion = "1"\n',
        "groundswell.toml": '[[component]]\nname = "one"\npaths = ["/one/"]\n'
        '[[component]]\nname = "two"\npaths = ["/two/"]\n[policy]\nunsafe_fixes = false\n',
        "one/__init__.py": "",
        "one/a.py": "from two import b\n\nA = b.B\n",
        "two/__init__.py": "",
        "two/b.py": "from one import a\n\nB = 1\n\n\ndef f():\n    return a.A\n",
    }
    [advice] = proposals(a_source(files))
    assert [each.path for each in advice.findings] == ["one/a.py", "two/b.py"]
    assert told_of(files) == ["one/a.py"]


def test_a_cycle_from_a_file_of_no_component_is_told_of_in_one_that_there_is():
    files = {
        "groundswell.toml": '[[component]]\nname = "two"\npaths = ["/two/"]\n'
        "[policy]\nunsafe_fixes = false\n",
        "one/__init__.py": "",
        "one/a.py": "from two import b\n\nA = b.B\n",
        "two/__init__.py": "",
        "two/b.py": "from one import a\n\nB = 1\n\n\ndef f():\n    return a.A\n",
    }
    [advice] = proposals(a_source(files))
    assert [each.path for each in advice.findings] == ["two/b.py", "one/a.py"]
    assert told_of(files) == ["two/b.py"]


def test_of_a_cycle_that_an_edit_opens_no_component_is_told():
    files = {
        "groundswell.toml": '[[component]]\nname = "one"\npaths = ["/one/"]\n'
        '[[component]]\nname = "two"\npaths = ["/two/"]\n',
        "one/__init__.py": "",
        "one/a.py": "from two.b import B\n\nA = B\n",
        "two/__init__.py": "",
        "two/b.py": "from one.a import A\n\n\nclass B: ...\n\n\ndef f():\n    return A\n",
    }
    assert [each.rule for each in proposals(a_source(files))] == ["imports:deferrable"]
    assert told_of(files) == []


def told_of(files):
    """The files with a finding of a cycle that an agent is deployed for to advise on."""
    found = [e for e in findings(a_source(files)) if e.rule == "imports:cycle"]
    assert found
    return [each.path for each in found if each.advice]
