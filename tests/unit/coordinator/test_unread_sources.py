"""Sources in no component: a wave that read nothing else fails, any other one mentions them."""

import pytest

from services.coordinator.domain import unowned
from services.coordinator.usecases import CoordinatorDeps, advance
from services.coordinator.usecases.start import start_wave
from shared.contracts.commands import AcquireLease, LeaseGrant, StartWave
from shared.contracts.documents.findings import FindingSet, Inspection
from shared.contracts.states import WaveState
from shared.kernel.ids import uuid7
from tests.support.builders import NOW, a_finding
from tests.support.buses import RecordingBus
from tests.support.memory import a_store
from tests.support.repositories import a_repository

TOLD = (
    "Not looked at: 1 source file is in no component (frontend/index.js). To change that: "
    '[[component]] name = "frontend" paths = ["/frontend/"].'
)


@pytest.fixture
def deps(tmp_path):
    bus = RecordingBus(answers={AcquireLease: LeaseGrant(granted=False, reason="taken")})
    return CoordinatorDeps(
        store=a_store(), bus=bus, home=tmp_path / "home", clock=lambda: NOW, new_id=uuid7
    )


async def planned(deps, place, *findings, lines):
    """A wave on the repository after its agents read so many lines and found this."""
    accepted = await start_wave(StartWave(target=str(place)), deps, channel="test")
    read = Inspection(agent_type="code_quality", lines=lines, rules=7)
    found = FindingSet(
        id=f"{accepted.target_id}:{accepted.commit}:ruff",
        target_id=accepted.target_id,
        commit=accepted.commit,
        detectors="ruff",
        findings=findings,
        inspections=(read,),
        seconds=0,
        measured_at=NOW,
    )
    await deps.store.findings.insert(found)
    await advance(accepted.wave_id, deps)
    return await deps.store.waves.require(accepted.wave_id)


@pytest.fixture
def place(tmp_path):
    files = {"app/__init__.py": "", "app/code.py": "a = 1\n", "frontend/index.js": "let a = 1\n"}
    return a_repository(tmp_path / "target", **files)


async def test_a_wave_that_read_nothing_fails_and_names_the_key_that_would_change_it(deps, place):
    wave = await planned(deps, place, lines=0)
    assert (wave.state, wave.failure.code) == (WaveState.FAILED, "no_component")
    assert "frontend/index.js" in wave.failure.message
    assert '[[component]] name = "frontend" paths = ["/frontend/"]' in wave.failure.hint


async def test_a_wave_that_read_other_sources_completes_and_mentions_them(deps, place):
    wave = await planned(deps, place, lines=1)
    assert wave.state is WaveState.COMPLETED
    assert TOLD in wave.notes


async def test_a_wave_with_something_to_do_mentions_them_too(deps, place):
    finding = a_finding(component="app", path="app/code.py")
    wave = await planned(deps, place, finding, lines=1)
    assert wave.state is WaveState.RUNNING
    assert TOLD in wave.notes


async def test_where_every_source_is_in_a_component_nothing_is_said(deps, tmp_path):
    place = a_repository(tmp_path / "target", **{"app/__init__.py": "", "app/code.py": "a = 1\n"})
    wave = await planned(deps, place, lines=0)
    assert wave.state is WaveState.COMPLETED
    assert not [each for each in wave.notes if "in no component" in each]


def test_of_many_files_three_are_named_and_those_at_the_root_have_a_pattern_of_their_own():
    [note] = unowned.notes(("a.py", "b.py", "c.py", "d.py"))
    assert "4 source files are in no component (a.py, b.py, c.py, ...)" in note
    assert '[[component]] name = "root" paths = ["/*.py"]' in note
