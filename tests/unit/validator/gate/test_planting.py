"""When faults are planted: before a full run by one runner, beside it by several, and never twice."""

import asyncio
from types import SimpleNamespace

import pytest

from services.validator.decision.evidence import Run, Wanted
from services.validator.gate import mutation as planting
from services.validator.gate.evidence_fetcher import EvidenceFetcher
from services.validator.gate.mutation import (
    lacking,
    plant,
    plant_before,
    plant_beside,
    to_plant,
)
from shared.contracts.documents.protection import Protection

BOTH = Run(("one", "two"))


class Field:
    """An epoch of two changes; `answers` are what planting will find in each, `passes` whether all tests pass without."""

    def __init__(self, policy="ask"):
        base = asyncio.get_running_loop().create_future()
        base.set_result(SimpleNamespace(outcomes={}, seconds=1.0))
        config = SimpleNamespace(policy=SimpleNamespace(unprotected=policy))
        self.epoch = SimpleNamespace(
            base=base,
            base_commit="b" * 40,
            place=SimpleNamespace(profile=SimpleNamespace(config=config)),
            wave_id="w",
            recorded=None,
            changes={each: SimpleNamespace(id=each, approval=None) for each in BOTH.changes},
            evidence={},
            risks={"one": 0.1, "two": 0.1},
            protections={},
            planted=set(),
        )
        self.deps = SimpleNamespace(store=SimpleNamespace(enhancements=self))
        self.answers = dict.fromkeys(BOTH.changes, "protected")
        self.passes, self.fails = True, ()
        self.asked: list[set[str]] = []
        self.forgotten: list[str] = []

    async def patch(self, change, *, protection):
        """What is forgotten is forgotten in the store too."""
        assert protection is None
        self.forgotten.append(change)

    async def trust(self, deps, place, changes, trees, *, wanted, **_):
        self.asked.append(set(wanted))
        return {each: Protection(state=self.answers[each]) for each in wanted}


@pytest.fixture
async def field(monkeypatch):
    made = Field()

    async def compose(*_):
        return SimpleNamespace(steps=(), failed=made.fails)

    async def recorded(*_):
        return "the recording"

    async def passed(*_):
        return made.passes

    monkeypatch.setattr(planting, "trust", made.trust)
    monkeypatch.setattr(planting, "compose", compose)
    monkeypatch.setattr(planting, "recorded_for", recorded)
    monkeypatch.setattr(planting, "passed_without", passed)
    return made


def wanted(*runs):
    return [Wanted(each, "full run", "why") for each in runs]


async def test_one_runner_plants_before_what_is_likely_to_pass(field):
    assert await plant_before(field.epoch, BOTH, field.deps)
    assert field.asked == [{"one", "two"}]


async def test_nobody_is_asked_about_what_the_tests_will_probably_refuse(field):
    field.epoch.risks["two"] = 0.9
    assert not await plant_before(field.epoch, BOTH, field.deps)
    assert not field.asked


async def test_several_runners_plant_beside_the_run_and_once(field):
    looks = EvidenceFetcher(field.epoch, field.deps, width=2)
    runs = wanted(BOTH)
    assert not plant_beside(field.epoch, BOTH, runs, looks, field.deps)
    assert not plant_beside(field.epoch, BOTH, runs, looks, field.deps)
    await looks.finish_beside()
    assert plant_beside(field.epoch, BOTH, runs, looks, field.deps)
    assert field.asked == [{"one", "two"}]


@pytest.mark.parametrize(("policy", "begun"), [("ask", True), ("allow", False)])
async def test_it_goes_before_other_runs_only_where_somebody_may_have_to_be_asked(
    field, policy, begun
):
    field.epoch.place.profile.config.policy.unprotected = policy
    looks = EvidenceFetcher(field.epoch, field.deps, width=2)
    runs = wanted(BOTH, Run(("one",), ("t",)))
    assert not plant_beside(field.epoch, BOTH, runs, looks, field.deps)
    await looks.finish_beside()
    assert bool(field.asked) is begun


async def test_beside_a_failing_test_only_what_was_noticed_counts(field):
    field.passes, field.answers["two"] = False, "unprotected"
    assert not await plant_before(field.epoch, BOTH, field.deps)
    assert (field.epoch.protections.keys(), field.forgotten) == ({"one"}, ["two"])
    assert to_plant(field.epoch, wanted(BOTH)) is None, "it would fail again"
    field.passes = True
    await plant(field.epoch, ["two"], field.deps)
    assert field.asked == [{"one", "two"}, {"two"}]


async def test_what_does_not_compose_is_left_to_the_run_that_says_so(field):
    field.fails = ("two",)
    assert not await plant_before(field.epoch, BOTH, field.deps)
    assert not field.asked
    assert to_plant(field.epoch, wanted(BOTH)) is None


async def test_what_was_recorded_since_the_changes_were_weighed_is_used(field):
    await plant(field.epoch, BOTH.changes, field.deps)
    assert field.epoch.recorded == "the recording"


async def test_what_a_person_let_through_is_not_tried_again(field, monkeypatch):
    monkeypatch.setattr(planting, "lapsed", lambda change, base: "")
    field.epoch.changes["one"].approval = "yes"
    assert lacking(field.epoch, BOTH.changes) == {"two"}


def test_only_a_full_run_of_some_changes_has_faults_planted_before_it():
    epoch = SimpleNamespace(planted=set())
    assert to_plant(epoch, wanted(Run(()), Run(("one",), ("t",)))) is None
    assert to_plant(epoch, wanted(Run(("one",), ("t",)), BOTH)) == BOTH
