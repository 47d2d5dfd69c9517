"""One runner tries mutants before the full run, several try them beside it, and none twice."""

import asyncio
from types import SimpleNamespace

import pytest

from services.validator.decision.evidence import RequestedRun, RunPlan
from services.validator.gate import mutation, rounds
from services.validator.gate.evidence_fetcher import EvidenceFetcher
from services.validator.gate.facts import ChangeFacts
from services.validator.gate.mutation import (
    changes_without_mutants,
    measure_before_full_run,
    measure_beside_full_run,
    measure_changes,
    next_full_run,
)
from services.validator.gate.rounds import GateRound
from services.validator.mutation.domain.plan import MutationReport
from services.validator.mutation.usecases.protection import MutationPass
from services.validator.suite.domain.reports import Outcome
from shared.contracts.documents.proof import Proof
from shared.contracts.documents.protection import Protection

BOTH = RunPlan(("one", "two"))


class FakeRound:
    """A round of two changes.

    `answers` has the protection of each; `passes` is whether all tests pass without mutants.
    """

    def __init__(self, policy="ask"):
        base = asyncio.get_running_loop().create_future()
        self.outcomes: dict[str, Outcome] = {}
        base.set_result(SimpleNamespace(outcomes=self.outcomes, seconds=1.0))
        config = SimpleNamespace(policy=SimpleNamespace(unprotected=policy))
        self.gate_round = GateRound(
            target=SimpleNamespace(),
            prepared=SimpleNamespace(profile=SimpleNamespace(config=config)),
            baseline=base,
            base_commit="b" * 40,
            wave_id="w",
            changes={
                each: SimpleNamespace(id=each, decision=SimpleNamespace(approval=None))
                for each in BOTH.changes
            },
            patches={},
            facts=ChangeFacts(risks={"one": 0.1, "two": 0.1}),
        )
        self.deps = SimpleNamespace(store=SimpleNamespace(enhancements=self))
        self.answers = dict.fromkeys(BOTH.changes, "protected")
        self.passes, self.fails, self.failing = True, (), ()
        self.asked: list[set[str]] = []
        self.forgotten: list[str] = []

    async def set_field_of_each(self, field, values):
        """What is forgotten is forgotten in the store too."""
        assert field == "decision__protection"
        assert not any(values.values())
        self.forgotten += values

    async def measure_protection(self, deps, place, changes, trees, *, wanted, **_):
        self.asked.append(set(wanted))
        return {each: Protection(state=self.answers[each]) for each in wanted}


@pytest.fixture
async def fake(monkeypatch):
    made = FakeRound()

    async def compose(*_):
        return SimpleNamespace(steps=(("two", "tree"),), failed=made.fails)

    async def recorded(*_):
        return "the recording"

    def passed(*_):
        return made.passes

    async def passes(*_):
        return [MutationPass(("t::a", "t::b"), MutationReport({}, 1, 0.1, made.failing))]

    monkeypatch.setattr(mutation, "measure_protection", made.measure_protection)
    monkeypatch.setattr(mutation, "compose", compose)
    monkeypatch.setattr(mutation, "latest_recording", recorded)
    monkeypatch.setattr(mutation, "passed_without_mutants", passed)

    async def seconds_left(*_):
        return 100.0

    monkeypatch.setattr(mutation, "read_mutation_passes", passes)
    monkeypatch.setattr(mutation, "extra_seconds_left", seconds_left)
    return made


def requested(*runs):
    return [RequestedRun(each, "full run", "why") for each in runs]


async def test_one_runner_tries_mutants_before_a_full_run_that_is_likely_to_pass(fake):
    assert await measure_before_full_run(fake.gate_round, BOTH, fake.deps)
    assert fake.asked == [{"one", "two"}]


async def test_mutants_are_not_tried_in_changes_that_the_tests_will_probably_reject(fake):
    fake.gate_round.facts.risks["two"] = 0.9
    assert not await measure_before_full_run(fake.gate_round, BOTH, fake.deps)
    assert not fake.asked


async def test_several_runners_try_mutants_once_beside_the_full_run(fake):
    fetcher = EvidenceFetcher(fake.gate_round, fake.deps, max_runs=2)
    runs = requested(BOTH)
    assert not measure_beside_full_run(fake.gate_round, BOTH, runs, fetcher, fake.deps)
    assert not measure_beside_full_run(fake.gate_round, BOTH, runs, fetcher, fake.deps)
    await fetcher.wait_for_background()
    assert measure_beside_full_run(fake.gate_round, BOTH, runs, fetcher, fake.deps)
    assert fake.asked == [{"one", "two"}]


@pytest.mark.parametrize(("policy", "begun"), [("ask", True), ("allow", False)])
async def test_mutants_go_before_other_runs_only_if_a_change_may_need_approval(fake, policy, begun):
    fake.gate_round.prepared.profile.config.policy.unprotected = policy
    fetcher = EvidenceFetcher(fake.gate_round, fake.deps, max_runs=2)
    runs = requested(BOTH, RunPlan(("one",), ("t",)))
    assert not measure_beside_full_run(fake.gate_round, BOTH, runs, fetcher, fake.deps)
    await fetcher.wait_for_background()
    assert bool(fake.asked) is begun


async def test_beside_a_failing_test_only_killed_mutants_count(fake):
    fake.passes, fake.answers["two"] = False, "unprotected"
    assert not await measure_before_full_run(fake.gate_round, BOTH, fake.deps)
    assert (fake.gate_round.mutation.protections.keys(), fake.forgotten) == ({"one"}, ["two"])
    assert next_full_run(fake.gate_round, requested(BOTH)) is None, "it would fail again"
    fake.passes = True
    await measure_changes(fake.gate_round, ["two"], fake.deps)
    assert fake.asked == [{"one", "two"}, {"two"}]


async def test_changes_that_do_not_apply_are_left_to_the_run_that_shows_it(fake):
    fake.fails = ("two",)
    assert not await measure_before_full_run(fake.gate_round, BOTH, fake.deps)
    assert not fake.asked
    assert next_full_run(fake.gate_round, requested(BOTH)) is None


async def test_a_recording_made_since_the_impact_was_loaded_is_used(fake):
    await measure_changes(fake.gate_round, BOTH.changes, fake.deps)
    assert fake.gate_round.facts.recorded == "the recording"


async def test_mutants_are_not_tried_in_an_approved_change(fake, monkeypatch):
    monkeypatch.setattr(rounds, "invalid_approval_reason", lambda change, base: "")
    fake.gate_round.changes["one"].decision.approval = "yes"
    assert changes_without_mutants(fake.gate_round, BOTH.changes) == {"two"}


def test_mutants_are_considered_only_before_a_full_run_of_some_changes():
    gate_round = SimpleNamespace(mutation=SimpleNamespace(considered=set()))
    assert next_full_run(gate_round, requested(RunPlan(()), RunPlan(("one",), ("t",)))) is None
    assert next_full_run(gate_round, requested(RunPlan(("one",), ("t",)), BOTH)) == BOTH


async def test_mutants_are_not_tried_in_a_proven_change(fake):
    proof = Proof(files=("m.py",), interpreters=("CPython 3.11",))
    fake.gate_round.facts.proofs.by_change["two"] = proof
    assert changes_without_mutants(fake.gate_round, BOTH.changes) == {"one"}


async def test_a_test_that_fails_without_a_mutant_is_looked_into_if_it_passes_on_the_head(fake):
    fake.failing = ("t::a", "t::red")
    fake.outcomes |= {"t::a": Outcome.PASSED, "t::red": Outcome.FAILED}
    await measure_changes(fake.gate_round, BOTH.changes, fake.deps)
    [failure] = fake.gate_round.mutation.selections.failures
    assert (failure.changes, failure.failing) == (BOTH.changes, ("t::a",))
    assert failure.selection == ("t::a", "t::b")
