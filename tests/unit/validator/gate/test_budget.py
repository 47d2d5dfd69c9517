"""The budget of a wave for what is run beside its full runs."""

import asyncio
from types import SimpleNamespace

import pytest

from services.validator.decision.evidence import Candidate, NeedRuns, SuiteProfile
from services.validator.decision.gate import decide
from services.validator.gate.budget import MIN_EXTRA_SECONDS, allowed_seconds, extra_seconds_left
from services.validator.mutation.usecases.protection import _limits
from shared.contracts.base import RunPurpose


def a_run(purpose, seconds, tree="t"):
    return SimpleNamespace(
        request=SimpleNamespace(purpose=purpose, tree=tree),
        execution=SimpleNamespace(seconds=seconds),
    )


RUNS = (
    a_run(RunPurpose.BASELINE, 100.0),
    a_run(RunPurpose.FULL_RUN, 50.0),
    a_run(RunPurpose.QUICK_GATE, 10.0),
    a_run(RunPurpose.BISECTION, 5.0),
    a_run(RunPurpose.MUTATION, 20.0, "first"),
)


async def left(runs=RUNS, *, extra=2.0, recorded=None, tree=None):
    baseline = asyncio.get_running_loop().create_future()
    baseline.set_result(SimpleNamespace(seconds=50.0))
    config = SimpleNamespace(test=SimpleNamespace(extra=extra))
    gate_round = SimpleNamespace(
        baseline=baseline,
        wave_id="w",
        facts=SimpleNamespace(recorded=recorded),
        prepared=SimpleNamespace(profile=SimpleNamespace(config=config)),
    )

    async def find(**_):
        return runs

    deps = SimpleNamespace(store=SimpleNamespace(runs=SimpleNamespace(find=find)))
    return await extra_seconds_left(gate_round, deps, tree)


async def test_all_but_baselines_and_full_runs_is_spent():
    assert await left() == 2.0 * 50.0 - 35.0
    assert await left(extra=0.5) == 0.0
    assert await left(recorded="a recording, which made the baseline slower") == 50.0 - 35.0


async def test_asking_again_about_the_same_mutants_gives_the_same_answer():
    assert await left(tree="first") == 2.0 * 50.0 - 15.0


@pytest.mark.parametrize(("extra", "allowed"), [(2.0, MIN_EXTRA_SECONDS), (0.0, 0.0)])
def test_a_short_suite_has_a_few_seconds_unless_none_are_wanted(extra, allowed):
    assert allowed_seconds(extra, 0.3) == allowed


def test_mutants_take_no_longer_than_what_is_left():
    assert _limits(100.0, 1000.0) == (64.0, 256.0)
    assert _limits(100.0, 40.0) == (32.0, 32.0)
    assert _limits(100.0, 35.0) == (32.0, 32.0), "a little less does not repeat the run"


def test_without_a_budget_no_quick_gate_is_made():
    durations = {f"t::{n}": 1.0 for n in range(100)}
    changes = [Candidate(str(n), n, risk=0.5, impacted=frozenset({f"t::{n}"})) for n in range(4)]

    def purposes(**more):
        step = decide(changes, {}, suite=SuiteProfile(durations, 0.1, **more))
        assert isinstance(step, NeedRuns)
        return [each.purpose for each in step.runs]

    assert purposes() == [RunPurpose.QUICK_GATE]
    assert purposes(budget=False) == [RunPurpose.FULL_RUN]
