"""A mirror follows the repository of its target, and starts git only where something changed."""

import shutil

import pytest

from shared.kernel.errors import Transient
from shared.targets import mirror as module
from shared.targets.mirror import FETCHED, FETCHED_HEAD, Mirror
from tests.support.repositories import a_repository, commit, git


@pytest.fixture
def place(tmp_path):
    return a_repository(tmp_path / "around" / "target", m_py="x = 1\n")


@pytest.fixture
def mirror(tmp_path):
    return Mirror(tmp_path / "mirror.git")


@pytest.fixture
def started(monkeypatch):
    """The git commands that were started."""
    found = []
    start = module.git
    monkeypatch.setattr(module, "git", lambda *a, **k: found.append(a[1]) or start(*a, **k))
    return found


def fetched(mirror):
    """What the mirror knows of the repository, by the names there."""
    names = (FETCHED, FETCHED_HEAD)
    return {
        each.name.removeprefix(FETCHED).replace(FETCHED_HEAD, "HEAD"): str(each.target)
        for each in mirror.repository.references.iterator()
        if each.name.startswith(names)
    }


def there(place):
    """What there is to know."""
    lines = git(place, "for-each-ref", "--format=%(refname:short) %(objectname)", "refs/heads")
    head = {"HEAD": git(place, "rev-parse", "HEAD")}
    return dict(each.split() for each in lines.splitlines()) | head


@pytest.mark.parametrize("form", ["{}", "file://{}", "{}/.git"])
def test_what_has_not_changed_is_not_fetched_again(mirror, place, started, form):
    for _ in range(3):
        mirror.fetch(form.format(place))
    assert started == ["init", "fetch"]
    assert fetched(mirror) == there(place)


CHANGES = {
    "a commit": lambda place: commit(place, {"m.py": "x = 2\n"}),
    "a branch": lambda place: git(place, "branch", "new"),
    "a branch that is gone": lambda place: git(place, "branch", "-D", "other"),
    "a branch of another name": lambda place: git(place, "branch", "-m", "other", "renamed"),
    "another branch": lambda place: git(place, "switch", "-q", "other"),
    "no branch": lambda place: git(place, "switch", "-q", "--detach", "other"),
    "packed": lambda place: (git(place, "branch", "-D", "other"), git(place, "pack-refs", "--all")),
}


@pytest.mark.parametrize("what", CHANGES)
def test_what_has_changed_is_fetched(mirror, place, started, what):
    git(place, "branch", "other")
    commit(place, {"m.py": "x = 3\n"})
    mirror.fetch(str(place))
    CHANGES[what](place)
    started.clear()
    for _ in range(2):
        mirror.fetch(str(place))
    assert started == ["fetch"]
    assert fetched(mirror) == there(place)


def test_another_repository_in_its_place_is_fetched(mirror, place):
    mirror.fetch(str(place))
    shutil.rmtree(place)
    a_repository(place, other_py="y = 1\n")
    mirror.fetch(str(place))
    assert fetched(mirror) == there(place)


def test_a_repository_around_is_not_taken_for_one_that_is_gone(mirror, place):
    """The one around has the same branches."""
    mirror.fetch(str(place))
    (place / ".git").rename(place.parent / ".git")
    with pytest.raises(Transient):
        mirror.fetch(str(place))


def test_a_mirror_that_lost_its_objects_gets_them_again(mirror, place):
    mirror.fetch(str(place))
    shutil.rmtree(mirror.path / "objects")
    (mirror.path / "objects").mkdir()
    mirror.fetch(str(place))
    assert there(place)["HEAD"] in mirror.repository
