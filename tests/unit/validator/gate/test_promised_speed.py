"""When a round measures the gain that a change promises, and what follows."""

import asyncio
from types import SimpleNamespace

import pytest

from services.validator.gate import gains
from services.validator.gate.facts import ChangeFacts
from services.validator.gate.gains import reject_without_gain
from shared.contracts.documents.findings import RELATIVE_RUN_TIME, Prediction
from shared.contracts.documents.gain import Gain

PROMISE = Prediction(metric=RELATIVE_RUN_TIME, direction="down", size=0.1, confidence=0.9)
FEWER_FINDINGS = Prediction(metric="findings.X", direction="down", size=1, confidence=0.9)
GAINED, NO_GAIN, UNKNOWN = (
    Gain(state=state, summary=f"it is {state}") for state in ("measured", "none", "unknown")
)


class FakeRound:
    """A round of changes; `measured` has the gain of each, `needs` who applies on what only."""

    def __init__(self, **predictions):
        self.changes = {
            name: SimpleNamespace(
                id=name,
                proposal=SimpleNamespace(prediction=prediction),
                decision=SimpleNamespace(gain=None),
            )
            for name, prediction in predictions.items()
        }
        self.prepared = SimpleNamespace(tree="head")
        self.facts, self.baseline = ChangeFacts(), asyncio.get_running_loop().create_future()
        self.baseline.set_result(SimpleNamespace(outcomes={}))
        self.stored = {}
        self.store = self.enhancements = self
        self.approved, self.needs = set(), {}
        self.answers = dict.fromkeys(predictions, GAINED)
        self.measured, self.rejected, self.cancelled = [], [], []

    def is_approved(self, change):
        return change in self.approved

    def remove(self, change):
        return self.changes.pop(change)

    async def wait_for_background(self):
        pass

    async def cancel_runs_with(self, changes):
        self.cancelled += changes

    async def compose(self, _, ids, __):
        missing = [each for each in ids if not self.needs.get(each, set()) <= set(ids)]
        steps = [("head+" + "+".join(ids[: n + 1])) for n in range(len(ids))]
        return SimpleNamespace(failed=missing, steps=list(zip(ids, steps, strict=True)))

    async def measure_gain(self, change, trees, _, __, *, changes, tests):
        self.measured.append((change.id, trees, tuple(changes), tests))
        return self.answers[change.id]

    async def impact_of(self, changes, *_):
        return {each.id: {"a": frozenset({"t::a"})}.get(each.id) for each in changes}

    async def set_fields(self, key, *, decision__gain):
        self.stored[key] = decision__gain

    async def reject(self, change, reason, _, *, run):
        self.rejected.append((change.id, reason))

    async def judge(self, *ids):
        return await reject_without_gain(self, ids or tuple(self.changes), self, self)


@pytest.fixture
def a_round(monkeypatch):
    def make(**predictions):
        made = FakeRound(**predictions)
        for name in ("compose", "impact_of", "measure_gain", "reject"):
            monkeypatch.setattr(gains, name, getattr(made, name))
        return made

    return make


async def test_only_promises_are_measured_and_each_once_in_a_round(a_round):
    fake = a_round(a=PROMISE, b=FEWER_FINDINGS, c=None)
    assert not await fake.judge()
    assert not await fake.judge()
    assert fake.measured == [("a", ("head", "head+a"), ("a",), frozenset({"t::a"}))]
    assert fake.facts.gains == fake.stored == {"a": GAINED}


async def test_what_shows_no_gain_is_rejected_and_the_others_stay(a_round):
    fake = a_round(a=PROMISE, b=PROMISE, c=PROMISE)
    fake.answers |= {"b": NO_GAIN, "c": UNKNOWN}
    assert await fake.judge()
    assert fake.rejected == [("b", "it is none")]
    assert fake.cancelled == ["b"]
    assert list(fake.changes) == ["a", "c"]


async def test_what_does_not_apply_alone_is_measured_on_those_before_it(a_round):
    fake = a_round(a=None, b=PROMISE)
    fake.needs = {"b": {"a"}}
    await fake.judge()
    assert fake.measured == [("b", ("head+a", "head+a+b"), ("a", "b"), None)]


async def test_a_person_who_knew_that_it_cannot_be_measured_has_the_last_word(a_round):
    fake = a_round(a=PROMISE)
    fake.changes["a"].decision.gain = UNKNOWN
    fake.approved = {"a"}
    assert not await fake.judge()
    assert not fake.measured
    assert fake.facts.gains == {"a": UNKNOWN}


async def test_one_who_was_asked_something_else_did_not_know(a_round):
    fake = a_round(a=PROMISE)
    fake.answers["a"] = NO_GAIN
    fake.approved = {"a"}
    assert await fake.judge()
    assert fake.rejected == [("a", "it is none")]


async def test_what_was_measured_on_another_head_is_measured_again(a_round):
    fake = a_round(a=PROMISE)
    fake.changes["a"].decision.gain = GAINED
    await fake.judge()
    assert len(fake.measured) == 1
