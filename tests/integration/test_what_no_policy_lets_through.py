"""Changes that only seem to pass need a person, whatever the target's policy lets through."""

from collections.abc import Iterator

import pytest

from shared.contracts.states import EnhancementState
from tests.support.gates import CONFIG, Gate, gates
from tests.support.till import DECEPTIONS

ALLOWED = "F841"


@pytest.fixture(scope="module")
def most_careless() -> Iterator[Gate]:
    config = CONFIG.replace("[watch]", f'allowed_rules = ["{ALLOWED}"]\n\n[watch]')
    yield from gates(config, protected="ask", unprotected="allow")


@pytest.mark.parametrize("what", DECEPTIONS)
def test_what_only_seems_to_pass_needs_a_person_whatever_the_policy(most_careless, what):
    files, why = DECEPTIONS[what]
    [change] = most_careless.judge_all([files], rule=f"ruff:{ALLOWED}")
    assert change.state is EnhancementState.NEEDS_APPROVAL, change
    assert why in change.decision.approval_reason
    assert not most_careless.branch()
