"""`groundswell init` writes into a repository that may be somebody else's."""

import os

import pytest

from cli import target
from shared.kernel.errors import Conflict
from shared.targets.config import FILE
from tests.support.repositories import a_repository


@pytest.mark.parametrize("name", ["there", "missing"])
def test_a_link_in_place_of_the_file_leads_nowhere(tmp_path, name):
    place = a_repository(tmp_path / "target", m_py="x = 1\n")
    outside = tmp_path / name
    if name == "there":
        outside.write_text("mine\n")
    (place / FILE).symlink_to(outside)
    with pytest.raises(Conflict):
        target.init(str(place), force=False, show=False)
    assert target.init(str(place), force=True, show=False) == 0
    assert not (place / FILE).is_symlink()
    assert (place / FILE).read_text()
    assert (outside.read_text() if outside.exists() else "") == (
        "mine\n" if name == "there" else ""
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write for another user")
@pytest.mark.parametrize("there", [False, True])
def test_what_root_writes_belongs_to_the_owner_of_the_repository(tmp_path, there):
    owner = 60999
    place = a_repository(tmp_path / "target", m_py="x = 1\n")
    if there:
        (place / FILE).write_text("old\n")
    for each in (place, *place.rglob("*")):
        os.chown(each, owner, owner, follow_symlinks=False)
    assert target.init(str(place), force=there, show=False) == 0
    made = (place / FILE).lstat()
    assert (made.st_uid, made.st_gid) == (owner, owner)
