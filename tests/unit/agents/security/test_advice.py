"""What is found and cannot be fixed safely has advice with concrete steps, and no secret in it."""

import pytest

from services.agents.types.security.advisories import RULE as VULNERABLE
from services.agents.types.security.rules import RULES
from services.agents.types.security.spec import PLANS, SPEC, read_severities
from tests.unit.agents.security.support import a_source, advice, findings
from tests.unit.agents.security.test_planted import LOOK_ALIKES, PROBLEMS

FOUND = {f"ruff:{code}" for code in read_severities()}
FOUND |= {each.declaration.rule for each in RULES} | {VULNERABLE}


def test_every_rule_has_one_plan():
    rules = [rule for each in PLANS for rule in each.rules]
    assert len(rules) == len({*rules})
    assert {*rules} >= FOUND
    assert SPEC.advises == {*rules}


@pytest.mark.parametrize("plan", PLANS, ids=lambda each: each.rules[0])
def test_a_plan_reads_well(plan):
    assert "{names}" in plan.title
    assert not plan.plan.endswith(".")
    assert len(plan.steps) >= 2
    assert all(each.endswith(".") for each in plan.steps)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda each: each.stem)
def test_a_problem_without_a_fix_has_advice_and_one_with_a_fix_has_none(tmp_path, problem):
    source = a_source(problem.read_text())
    made = advice(tmp_path, source)
    open_ones = [each for each in findings(tmp_path, source) if each.fixable == "no"]
    assert sorted(f.line for each in made for f in each.findings) == [e.line for e in open_ones]
    for each in made:
        assert each.changes is None
        assert len(each.title) < 150
        assert each.advice.steps


@pytest.mark.parametrize("look_alike", LOOK_ALIKES, ids=lambda each: each.stem)
def test_a_look_alike_has_none(tmp_path, look_alike):
    assert advice(tmp_path, a_source(look_alike.read_text())) == []


def test_advice_on_a_secret_names_its_place_and_kind_only(tmp_path):
    [made] = advice(tmp_path, a_source('password = "x7Gq-91!kk"\n'))
    assert made.title == "take the secrets out of the code of m.py"
    assert made.advice.evidence[0].startswith("m.py:1: ")
    assert "x7Gq" not in repr(made)
