"""A change that promises speed lands only if it is measured to be faster.

A small real package goes through the gate's own use case: the inputs are recorded in its real tests
and replayed in the real sandbox.
"""

from collections.abc import Iterator

import pytest

from services.validator.git.domain.commits import trailers
from shared.contracts.documents.findings import RELATIVE_RUN_TIME, Prediction
from shared.contracts.states import EnhancementState
from tests.support.gates import Gate, gates
from tests.support.repositories import git

NAMES = """NAMES = [f"a-rather-long-name-{number}" for number in range(400)]


def count(wanted):
    return sum(each in NAMES for each in wanted)
"""
SHOUT = """def shout(said):
    return next(said) + next(said)


def twice(texts):
    found = []
    for each in texts:
        found.append(each)
        found.append(each)
    return found
"""
TESTS = """from shop import names, texts


def test_names_are_counted():
    wanted = [f"a-rather-long-name-{number}" for number in range(390, 410)]
    assert names.count(wanted) == 10


def test_it_shouts():
    assert texts.shout(each.upper() for each in "ab") == "AB"


def test_all_are_there_twice():
    assert texts.twice(["a"] * 200) == ["a"] * 400
"""
FILES = {
    "shop/__init__.py": "",
    "shop/names.py": NAMES,
    "shop/texts.py": SHOUT,
    "tests/test_shop.py": TESTS,
}
FASTER = {"shop/names.py": NAMES.replace("[f", "{f").replace("(400)]", "(400)}")}
NOT_RECORDED = {"shop/texts.py": SHOUT.replace("next(said) + next(said)", '"".join([*said])')}
NO_GAIN = {
    "shop/texts.py": SHOUT.replace(
        "    for each in texts:\n", "    for each in list(iter(tuple(texts))):\n"
    )
}
PROMISE = Prediction(metric=RELATIVE_RUN_TIME, direction="down", size=0.1, confidence=0.9)


@pytest.fixture
def gate() -> Iterator[Gate]:
    yield from gates(files=FILES, unprotected="allow")


def test_what_is_measured_to_be_faster_lands_with_its_gain(gate):
    [change] = gate.judge_all([FASTER], prediction=PROMISE)
    assert change.state is EnhancementState.APPLIED, change.decision
    gain = change.decision.gain
    assert gain.state == "measured"
    assert gain.best.name == "shop/names.py::count"
    assert (gain.best.inputs, gain.best.answer) == (1, "better")
    assert gain.best.high < 0.5
    said = f"M{gain.summary[1:]}."
    assert said.startswith("Measured gain: shop/names.py::count takes 0.")
    assert said in change.decision.evidence
    message = git(gate.yard.place, "log", "-1", "--format=%B", change.landing.commit)
    assert said in " ".join(message.split())
    assert trailers(message)["Enhancement-Id"] == change.id
    assert gate.runs().count("gain") == 1


def test_what_has_no_recorded_input_waits_and_lands_when_a_person_says_so(gate):
    [change] = gate.judge_all([NOT_RECORDED], prediction=PROMISE)
    assert change.state is EnhancementState.NEEDS_APPROVAL, change.decision
    assert change.decision.approval_reason == (
        "its gain could not be measured: none of its calls can be made twice in a test"
    )
    [approved] = gate.approve(change)
    assert approved.state is EnhancementState.APPLIED
    assert gate.runs().count("gain") == 1, "a person knew, and nothing is measured again"
    assert any("could not be measured" in each for each in approved.decision.evidence)


def test_what_measures_no_gain_is_refused_with_the_figure_and_the_others_land(gate):
    refused, faster = gate.judge_all([NO_GAIN, FASTER], prediction=PROMISE)
    assert refused.state is EnhancementState.REJECTED, refused.decision
    assert refused.decision.reason.startswith("no gain: shop/texts.py::twice takes 1.")
    assert refused.decision.gain.functions[0].ratio > 1
    assert refused.decision.run == refused.decision.gain.run
    assert faster.state is EnhancementState.APPLIED, faster.decision


def test_what_promises_nothing_is_not_measured(gate):
    [change] = gate.judge_all([NO_GAIN])
    assert change.state is EnhancementState.APPLIED, change.decision
    assert "gain" not in gate.runs()
