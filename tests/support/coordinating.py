"""A coordinator over a store in memory, and waves that were measured."""

from pathlib import Path
from typing import Any

from services.coordinator.usecases import CoordinatorDeps, advance, start_wave
from shared.contracts.answers import Acknowledgement
from shared.contracts.commands import AcquireLease, LeaseGrant, ReleaseLease, StartWave
from shared.contracts.documents.findings import Finding, FindingSet, Inspection
from shared.contracts.documents.waves import Wave
from shared.kernel.ids import uuid7
from tests.support.buses import RecordingBus
from tests.support.memory import a_store
from tests.support.stores import Watch


def a_coordinator(home: Path) -> CoordinatorDeps:
    """Whose every lease is granted under epoch 1."""
    granted = {
        AcquireLease: LeaseGrant(granted=True, epoch=1),
        ReleaseLease: Acknowledgement(),
    }
    bus: Any = RecordingBus(answers=granted)
    return CoordinatorDeps(store=a_store(), bus=bus, home=home, clock=Watch(), new_id=uuid7)


async def a_planned_wave(
    deps: CoordinatorDeps, place: Path, *findings: Finding, lines: int
) -> Wave:
    """A wave on a repository, after an agent read so many lines and found this."""
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
        measured_at=deps.clock(),
    )
    await deps.store.findings.insert(found)
    await advance(accepted.wave_id, deps)
    return await deps.store.waves.require(accepted.wave_id)
