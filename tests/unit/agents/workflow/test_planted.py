"""Planted problems are found, what can be fixed is fixed exactly, and nothing else is touched."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from tests.unit.agents.workflow.support import findings_in, proposed, result

PLANTED = Path(__file__).parents[3] / "data" / "planted" / "workflow"
PROBLEMS = tomllib.loads((PLANTED / "problems.toml").read_text())
LOOK_ALIKES = sorted((PLANTED / "look_alikes").glob("*.json"))
FIXED = [each for each in PROBLEMS if (PLANTED / "problems" / f"{each}.fixed.json").exists()]
NODE = re.compile(r"^Node (['\"])(.*?)\1:|^Connections of a node (['\"])(.*?)\3")


def read(path):
    return path.read_bytes().decode()


def node_of(finding):
    match = NODE.match(finding.message)
    return (match.group(2) or match.group(4)) if match else ""


def test_there_are_enough_of_both():
    assert len(PROBLEMS) >= 15
    assert len(LOOK_ALIKES) >= 15
    assert {f"{name}.json" for name in PROBLEMS} | {
        each.name for each in (PLANTED / "problems").glob("*.fixed.json")
    } == {each.name for each in (PLANTED / "problems").iterdir()}


@pytest.mark.parametrize("name", PROBLEMS)
async def test_a_problem_is_found_at_its_node(tmp_path, name):
    text = read(PLANTED / "problems" / f"{name}.json")
    found = await findings_in(tmp_path, text)
    expected = [tuple(each) for each in PROBLEMS[name]["finds"]]
    assert sorted((each.code, node_of(each)) for each in found) == sorted(expected)
    for each in found:
        lines = text.split("\n")
        assert not node_of(each) or len(lines) == 1 or 1 <= each.line <= len(lines)


@pytest.mark.parametrize("name", PROBLEMS)
async def test_a_problem_is_fixed_as_expected_or_left_alone(tmp_path, name):
    path = PLANTED / "problems" / f"{name}.json"
    text, fixed = read(path), path.with_suffix(".fixed.json")
    proposals = await proposed(tmp_path, text)
    assert result(proposals, text) == (read(fixed) if fixed.exists() else text)
    for each in proposals:
        assert not each.conditions or each.safe


@pytest.mark.parametrize("name", FIXED)
async def test_what_is_fixed_is_left_alone_the_next_time(tmp_path, name):
    text = read(PLANTED / "problems" / f"{name}.fixed.json")
    assert await proposed(tmp_path, text) == []
    assert json.loads(text)


@pytest.mark.parametrize("path", LOOK_ALIKES, ids=lambda each: each.stem)
async def test_a_look_alike_is_not_touched(tmp_path, path):
    text = read(path)
    assert [(each.code, each.message) for each in await findings_in(tmp_path, text)] == []
    assert await proposed(tmp_path, text) == []
