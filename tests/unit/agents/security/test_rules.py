"""Every rule fixes its examples as they say, and leaves alone what only looks like one."""

import pytest

from services.agents.types.security.rules import RULES
from tests.unit.agents.security.support import a_source, findings, proposals

EXAMPLES = [(rule.declaration.code, each) for rule in RULES for each in rule.examples]
LEFT_ALONE = [(rule.declaration.code, each) for rule in RULES for each in rule.left_alone]


@pytest.mark.parametrize(("code", "example"), EXAMPLES)
def test_an_example_is_found_and_fixed_as_it_says_or_not_at_all(tmp_path, code, example):
    source = a_source(example.before)
    assert code in {each.code for each in findings(tmp_path, source)}
    made = [e for e in proposals(tmp_path, source) if e.rule == f"ruff:{code}"]
    assert [each.changes["m.py"][1] for each in made] == [example.after] * bool(example.after)
    if example.after:
        after = findings(tmp_path, a_source(example.after))
        assert code not in {each.code for each in after}


@pytest.mark.parametrize(("code", "text"), LEFT_ALONE)
def test_what_only_looks_like_a_problem_is_no_finding(tmp_path, code, text):
    source = a_source(text)
    assert code not in {each.code for each in findings(tmp_path, source)}
    assert proposals(tmp_path, source) == []
