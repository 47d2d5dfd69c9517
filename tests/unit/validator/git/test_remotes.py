"""The remote on which people review: a bare repository beside the target."""

import pytest

from services.validator.git.adapters.remotes import GitRemote
from shared.kernel.errors import Conflict, Rejected, Transient
from shared.targets.repository import remote_url
from tests.support.landing import a_patch, a_yard, trailing
from tests.support.repositories import commit, git


@pytest.fixture
def yard(tmp_path):
    return a_yard(tmp_path, m_py="x = 1\n")


@pytest.fixture
def origin(tmp_path, yard):
    place = tmp_path / "origin.git"
    place.mkdir()
    git(place, "init", "--quiet", "--bare", "--initial-branch=main")
    git(yard.place, "push", "--quiet", str(place), "main")
    git(yard.place, "remote", "add", "origin", "../origin.git")
    return place


@pytest.fixture
def remote(yard, origin):
    yard.head()
    return GitRemote(yard.mirror, yard.target, "origin")


def test_a_relative_url_is_seen_from_the_target(remote, origin):
    assert remote.url == str(origin)


def test_a_branch_is_pushed_and_moved_forward_only(yard, remote, origin):
    one = yard.land("m.py", "x = 1\n", "x = 2\n")
    remote.push("groundswell/main-1", one, None)
    assert remote.branches()["groundswell/main-1"] == one
    two = yard.land("m.py", "x = 2\n", "x = 3\n", "f")
    remote.push("groundswell/main-1", two, one)
    remote.push("groundswell/main-1", two, two)
    assert git(origin, "rev-parse", "groundswell/main-1") == two
    with pytest.raises(Conflict, match="not ours"):
        remote.push("groundswell/main-1", one, two)
    assert git(origin, "rev-parse", "groundswell/main-1") == two


def test_what_others_pushed_there_stays(yard, remote, origin, tmp_path):
    one = yard.land("m.py", "x = 1\n", "x = 2\n")
    remote.push("groundswell/main-1", one, None)
    theirs = tmp_path / "theirs"
    git(tmp_path, "clone", "--quiet", "--branch", "groundswell/main-1", str(origin), str(theirs))
    foreign = commit(theirs, {"n.py": "y = 1\n"})
    git(theirs, "push", "--quiet", "origin", "groundswell/main-1")
    two = yard.land("m.py", "x = 2\n", "x = 3\n", "f")
    with pytest.raises(Conflict):
        remote.push("groundswell/main-1", two, remote.branches()["groundswell/main-1"])
    with pytest.raises(Transient):
        remote.push("groundswell/main-1", two, one)
    assert git(origin, "rev-parse", "groundswell/main-1") == foreign


def test_only_our_branches_and_the_base_are_asked_for(remote, origin):
    git(origin, "branch", "other", "main")
    assert set(remote.branches()) == {"main"}


def test_a_remote_that_is_away_may_come_back(remote, origin, tmp_path):
    origin.rename(tmp_path / "elsewhere.git")
    with pytest.raises(Transient, match="could not be read"):
        remote.branches()


def test_hooks_of_a_remote_on_this_machine_are_not_run(yard, remote, origin, tmp_path):
    canary = tmp_path / "canary"
    for name in ("pre-receive", "post-receive", "update"):
        hook = origin / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {canary}\n")
        hook.chmod(0o755)
    remote.push("groundswell/main-1", yard.land("m.py", "x = 1\n", "x = 2\n"), None)
    assert not canary.exists()


def test_a_branch_that_the_remote_does_not_take_is_refused_in_words(yard, remote, origin):
    git(origin, "config", "receive.denyNonFastForwards", "true")
    git(origin, "branch", "groundswell", "main")
    with pytest.raises((Rejected, Transient)) as caught:
        remote.push("groundswell/main-1", yard.land("m.py", "x = 1\n", "x = 2\n"), None)
    assert "groundswell/main-1" in str(caught.value)


def test_a_target_without_that_remote_names_those_it_has(yard, origin):
    with pytest.raises(Rejected, match="no remote upstream") as caught:
        remote_url(str(yard.place), "upstream")
    assert "origin" in caught.value.hint
    assert remote_url("https://code.example/a/b.git", "x") == "https://code.example/a/b.git"


def test_merged_is_what_the_base_contains(yard, remote):
    tip = yard.land("m.py", "x = 1\n", "x = 2\n")
    assert not remote.merged(tip)
    git(yard.place, "merge", "--quiet", "--ff-only", "groundswell/main")
    yard.head()
    assert remote.merged(tip)


class TestALandingBranchThatPeopleSquashed:
    def squash(self, yard, **more):
        git(yard.place, "merge", "--quiet", "--squash", "groundswell/main")
        return commit(yard.place, more, "squashed")

    def test_work_goes_on_from_the_base(self, yard):
        yard.land("m.py", "x = 1\n", "x = 2\n")
        base = self.squash(yard, **{"n.py": "y = 1\n"})
        head = yard.repository.refresh(yard.target)
        assert (head.commit, head.base, head.note) == (base, base, "")

    def test_and_the_branch_still_moves_forward_only(self, yard):
        before = yard.land("m.py", "x = 1\n", "x = 2\n")
        base = self.squash(yard)
        start = yard.repository.commit_parent(yard.target, yard.head(), yard.target.created_at)
        assert git(yard.mirror.path, "rev-parse", f"{start}^{{tree}}") == git(
            yard.place, "rev-parse", "main^{tree}"
        )
        composed = yard.compose(("f", a_patch("m.py", "x = 2\n", "x = 3\n")))
        tip = yard.repository.commit(composed.tree, start, trailing("f"), yard.target.created_at)
        assert yard.publish(tip, base) is None
        git(yard.place, "merge-base", "--is-ancestor", before, "groundswell/main")
        git(yard.place, "merge-base", "--is-ancestor", base, "groundswell/main")
        assert set(yard.repository.landed_commits(yard.target, ["e", "f"])) == {"e", "f"}

    def test_where_the_base_lacks_some_of_it_work_goes_on_from_the_branch(self, yard):
        yard.land("m.py", "x = 1\n", "x = 2\n")
        self.squash(yard)
        git(yard.place, "checkout", "--quiet", "groundswell/main")
        more = commit(yard.place, {"o.py": "z = 1\n"})
        git(yard.place, "checkout", "--quiet", "main")
        head = yard.repository.refresh(yard.target)
        assert head.commit == more
        assert "lacks" in head.note

    def test_a_base_that_went_on_without_it_has_not_merged_it(self, yard):
        tip = yard.land("m.py", "x = 1\n", "x = 2\n")
        commit(yard.place, {"n.py": "y = 1\n"})
        assert yard.head() == tip
