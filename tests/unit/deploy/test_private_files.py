"""What a home holds is its user's alone, whatever files are open to others by default."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.credentials import load_credentials
from deploy.homes import Stack, write_stack
from shared.sandbox.job import UNPRIVILEGED_UID
from shared.targets.home import make_private_home, write_private

USER = 1000


@pytest.fixture(autouse=True)
def _everything_is_open_by_default() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.fixture
def user(monkeypatch: pytest.MonkeyPatch) -> int:
    """An ordinary user: the one who runs the tests, or one that root makes believe it is."""
    if os.geteuid() == 0:
        monkeypatch.setattr(os, "geteuid", lambda: USER)
        return USER
    return os.geteuid()


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_users_home_is_closed_to_all_others(tmp_path: Path, user: int):
    home = tmp_path / "home"
    home.mkdir(mode=0o777)
    os.chown(home, user, -1)
    make_private_home(home)
    assert mode_of(home) == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a user for targets beside it")
def test_roots_home_may_be_passed_through_by_the_user_of_targets(tmp_path: Path):
    home = tmp_path / "home"
    make_private_home(home)
    assert (mode_of(home), home.stat().st_gid) == (0o710, UNPRIVILEGED_UID)


def test_a_new_home_is_never_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Also not for the moment before its mode is set."""
    monkeypatch.setattr(Path, "chmod", lambda *_: None)
    make_private_home(tmp_path / "home")
    assert mode_of(tmp_path / "home") == 0o700


def test_credentials_and_addresses_are_in_files_of_this_user_alone(tmp_path: Path):
    load_credentials(tmp_path)
    write_stack(Stack("http://a", "nats://b", "mongodb://c", str(tmp_path), 1), tmp_path)
    assert {each.name: mode_of(each) for each in tmp_path.iterdir()} == {
        "credentials.json": 0o600,
        "stack.json": 0o600,
    }


def test_a_file_that_was_open_is_closed_when_it_is_written_again(tmp_path: Path):
    place = tmp_path / "stack.json"
    place.write_text("{}")
    assert mode_of(place) == 0o666
    write_private(place, "{}")
    assert mode_of(place) == 0o600
