"""Root writes into no work tree of another user: such a wave is refused as it starts."""

import os

import pytest

from services.coordinator.usecases import start_wave
from shared.contracts.commands import StartWave
from shared.kernel.errors import Rejected
from tests.support.coordinating import a_coordinator
from tests.support.repositories import a_repository

OWNER = 60999
pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can write for another user")


def theirs(path, mode):
    """A repository of another user's that lands so."""
    config = f'[landing]\nmode = "{mode}"\n'
    place = a_repository(path, m_py="x = 1\n", groundswell_toml=config)
    for each in (place, *place.rglob("*")):
        os.chown(each, OWNER, OWNER, follow_symlinks=False)
    for each in (path.parent, *path.parent.parents):
        if each.stat().st_uid == 0 and each.name:
            each.chmod(each.stat().st_mode | 0o011)
    return place


async def test_a_wave_that_would_land_in_their_work_tree_is_refused(tmp_path):
    place = theirs(tmp_path / "target", "direct")
    deps = a_coordinator(tmp_path / "home")
    with pytest.raises(Rejected) as caught:
        await start_wave(StartWave(target=str(place)), deps, channel="test")
    assert caught.value.code == "foreign_owner"
    assert 'mode = "branch"' in caught.value.hint
    assert not await deps.store.waves.find()
    assert {each.lstat().st_uid for each in (place, *place.rglob("*"))} == {OWNER}


async def test_a_wave_that_lands_on_a_branch_of_theirs_starts(tmp_path):
    place = theirs(tmp_path / "target", "branch")
    deps = a_coordinator(tmp_path / "home")
    accepted = await start_wave(StartWave(target=str(place)), deps, channel="test")
    assert accepted.landing_branch == "groundswell/main"
