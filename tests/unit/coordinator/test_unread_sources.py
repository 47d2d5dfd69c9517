"""Sources in no component: a wave that read nothing else fails, any other one mentions them."""

import pytest

from services.coordinator.domain import unowned
from shared.contracts.states import WaveState
from tests.support.builders import a_finding
from tests.support.coordinating import a_coordinator, a_planned_wave
from tests.support.repositories import a_repository

TOLD = (
    "Not looked at: 1 source file is in no component (frontend/index.js). To change that: "
    '[[component]] name = "frontend" paths = ["/frontend/"].'
)


@pytest.fixture
def deps(tmp_path):
    return a_coordinator(tmp_path / "home")


@pytest.fixture
def place(tmp_path):
    files = {"app/__init__.py": "", "app/code.py": "a = 1\n", "frontend/index.js": "let a = 1\n"}
    return a_repository(tmp_path / "target", **files)


async def test_a_wave_that_read_nothing_fails_and_names_the_key_that_would_change_it(deps, place):
    wave = await a_planned_wave(deps, place, lines=0)
    assert (wave.state, wave.failure.code) == (WaveState.FAILED, "no_component")
    assert "frontend/index.js" in wave.failure.message
    assert '[[component]] name = "frontend" paths = ["/frontend/"]' in wave.failure.hint


async def test_a_wave_that_read_other_sources_completes_and_mentions_them(deps, place):
    wave = await a_planned_wave(deps, place, lines=1)
    assert wave.state is WaveState.COMPLETED
    assert TOLD in wave.notes


async def test_a_wave_with_something_to_do_mentions_them_too(deps, place):
    finding = a_finding(component="app", path="app/code.py")
    wave = await a_planned_wave(deps, place, finding, lines=1)
    assert wave.state is WaveState.RUNNING
    assert TOLD in wave.notes


async def test_where_every_source_is_in_a_component_nothing_is_said(deps, tmp_path):
    place = a_repository(tmp_path / "target", **{"app/__init__.py": "", "app/code.py": "a = 1\n"})
    wave = await a_planned_wave(deps, place, lines=0)
    assert wave.state is WaveState.COMPLETED
    assert not [each for each in wave.notes if "in no component" in each]


def test_of_many_files_three_are_named_and_those_at_the_root_have_a_pattern_of_their_own():
    [note] = unowned.notes(("a.py", "b.py", "c.py", "d.py"))
    assert "4 source files are in no component (a.py, b.py, c.py, ...)" in note
    assert '[[component]] name = "root" paths = ["/*.py"]' in note
