"""What the environment of a wave could not have as it is declared is in the wave's notes."""

from services.coordinator.usecases import note_environment
from shared.contracts.events import EnvironmentBuilt
from tests.support.builders import a_wave
from tests.support.coordinating import a_coordinator

OLD = "No test passes with today's packages, so those of 2020-01-01 are installed."


async def test_each_note_is_in_the_waves_notes_once_however_often_it_comes(tmp_path):
    deps, wave = a_coordinator(tmp_path), a_wave(notes=("known before",))
    await deps.store.waves.insert(wave)
    built = EnvironmentBuilt(
        wave_id=wave.id,
        target_id=wave.target_id,
        seconds=2.5,
        cached=False,
        sandbox="A",
        notes=(OLD, "known before", OLD),
    )
    for event in (built, built, built.model_copy(update={"notes": ("one more",)})):
        await note_environment(event, deps)
    stored = await deps.store.waves.require(wave.id)
    assert stored.notes == ("known before", OLD, "one more")
    assert (stored.environment_seconds, stored.sandbox) == (2.5, "A")
