"""Every planted problem is fixed exactly as the file beside it says; no look-alike is touched.

`problems/<rule>_<what>.before` is a module, and `.after` what it has to become; a problem without
`.after` has to be found, and is advice. `look_alikes/<rule>_<what>.same` must not be touched: it
has no finding that could be fixed.
"""

from pathlib import Path

import pytest

from services.agents.engines.rules import RulesEngine
from services.agents.types.performance.spec import ADVICE, REWRITES, SPEC
from shared.detectors.ports import DetectorResources, Source
from shared.targets.profile import profile_target
from tests.support.agents import proposals_of
from tests.support.trees import FakeTree

PLANTED = Path(__file__).parents[3] / "data" / "planted" / "performance"
PROBLEMS = sorted((PLANTED / "problems").glob("*.before"))
LOOK_ALIKES = sorted((PLANTED / "look_alikes").glob("*.same"))
PROJECT = '[project]\nname = "shop"\nversion = "1"\nrequires-python = ">=3.11"\n'


def a_source(text, **others):
    files = {"pyproject.toml": PROJECT, "shop/__init__.py": "", "shop/m.py": text, **others}
    tree = FakeTree(files)
    return Source(tree, profile_target(tree), "t")


async def proposed(text, folder, **others):
    resources = DetectorResources(folder)
    engine = RulesEngine(SPEC.fixers, [make(resources) for make in SPEC.detectors])
    return await proposals_of(engine, a_source(text, **others), "shop")


async def found_in(text, folder):
    made = [make(DetectorResources(folder)) for make in SPEC.detectors]
    measured = [await each.measure(a_source(text)) for each in made]
    return [found for each in measured for found in each.findings]


def rule_of(path):
    return path.stem.partition("_")[0]


@pytest.mark.parametrize("path", PROBLEMS, ids=lambda each: each.stem)
async def test_a_planted_problem_is_found_and_fixed_as_expected(path, tmp_path):
    text, after = path.read_text(), path.with_suffix(".after")
    assert rule_of(path) in {each.code for each in await found_in(text, tmp_path)}
    proposals = await proposed(text, tmp_path)
    if after.exists():
        assert {each.rule.partition(":")[2] for each in proposals} == {rule_of(path)}
        assert proposals[-1].changes["shop/m.py"][1] == after.read_text()
        assert all(each.conditions for each in proposals), proposals[-1].rationale
        assert all(each.prediction.promises_speed for each in proposals)
    else:
        assert proposals == []


@pytest.mark.parametrize("path", LOOK_ALIKES, ids=lambda each: each.stem)
async def test_a_look_alike_is_not_touched(path, tmp_path):
    text = path.read_text()
    assert [e for e in await found_in(text, tmp_path) if e.code == rule_of(path)] == []
    assert await proposed(text, tmp_path) == []


@pytest.mark.parametrize("path", PROBLEMS, ids=lambda each: each.stem)
async def test_a_second_run_changes_nothing(path, tmp_path):
    after = path.with_suffix(".after")
    if after.exists():
        assert await proposed(after.read_text(), tmp_path) == []


def test_every_rule_is_planted_and_has_a_look_alike():
    codes = {each.code for each in (*REWRITES, *ADVICE)}
    assert codes == {rule_of(path) for path in PROBLEMS}
    assert codes == {rule_of(path) for path in LOOK_ALIKES}
