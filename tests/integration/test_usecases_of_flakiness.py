"""Flaky tests are remembered from heads, where nobody's change can have made them so."""

import pytest

from services.validator.decision.evidence import RunComparison, RunPlan
from services.validator.decision.gate import flaky_tests
from services.validator.decision.rates import FailureRate
from services.validator.gate.flakiness import MAX_REMEMBERED_RUNS, known_flaky, remember_flaky
from shared.kernel.ids import uuid7
from tests.support.stores import a_real_store
from tests.support.validator_deps import a_validator

TEST = "t.py::test"
FAILED, PASSED = RunComparison(frozenset({TEST})), RunComparison(frozenset())
TARGET = uuid7()


@pytest.fixture
async def deps(mongo_url, tmp_path):
    async with a_real_store(mongo_url) as store:
        yield a_validator(store, tmp_path)


def test_what_fails_on_the_head_itself_is_flaky_and_what_fails_with_changes_is_not():
    assert flaky_tests({RunPlan((), (TEST,)): FAILED}) == {TEST: FailureRate(1, 1)}
    three = RunComparison(frozenset({TEST}), failures={TEST: 3})
    assert flaky_tests({RunPlan((), (TEST,), 0, 10): three}) == {TEST: FailureRate(3, 8)}
    assert flaky_tests({RunPlan(("a",), (TEST,)): FAILED, RunPlan((), (TEST,)): PASSED}) == {}


async def test_each_head_is_counted_once_and_different_heads_add_up(deps):
    for head in ("one", "one", "two"):
        await remember_flaky(TARGET, head, {TEST: FailureRate(1, 5)}, deps)
    assert await known_flaky(TARGET, deps) == {TEST: FailureRate(2, 10)}
    assert await known_flaky(uuid7(), deps) == {}


async def test_what_was_long_ago_counts_less(deps):
    await remember_flaky(TARGET, "one", {TEST: FailureRate(40, MAX_REMEMBERED_RUNS)}, deps)
    known = (await known_flaky(TARGET, deps))[TEST]
    assert (known.failed, known.passed) == (20, MAX_REMEMBERED_RUNS // 2)
