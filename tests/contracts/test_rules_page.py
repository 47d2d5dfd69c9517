"""docs/rules.md is what the rules declare, and every rule declares something."""

from pathlib import Path

import pytest

from services.agents.rules_page import render
from shared.agent_types import agent_specs
from shared.behaviour.condition import CONDITIONS
from shared.behaviour.declarations import UNDECLARED, FixClass

PAGE = Path(__file__).parent.parent.parent / "docs" / "rules.md"
SPECS = [each for each in agent_specs().values() if each.fixers]


def test_the_page_is_generated():
    assert PAGE.read_text() == render(), "python -m services.agents.rules_page"


@pytest.mark.parametrize("spec", SPECS, ids=lambda each: each.name)
def test_every_rule_declares_what_it_may_change(spec):
    for each in (fixer.declaration for fixer in spec.fixers):
        behaviour = each.behaviour
        assert behaviour is not UNDECLARED
        assert behaviour.may_change, each.rule
        assert set(behaviour.unless) <= CONDITIONS.keys(), each.rule
        assert behaviour.kind in FixClass


def test_every_condition_has_an_argument_and_a_rule():
    used = {c for spec in SPECS for each in spec.fixers for c in each.declaration.behaviour.unless}
    for name, each in CONDITIONS.items():
        assert len(each.argument) > 40, name
        assert name in used or name == "reflection.added-import"
