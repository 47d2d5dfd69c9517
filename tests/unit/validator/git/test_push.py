"""What a push brings to a repository on this machine is whole, or it is not there at all."""

import pytest

from services.validator.git.adapters.remotes import push, push_with_work_tree
from shared.targets.mirror import Mirror
from tests.support.repositories import a_repository, commit, git


@pytest.fixture
def place(tmp_path):
    """Three commits: nested directories, a link, an executable, a submodule, a file that moves."""
    place = a_repository(tmp_path / "target", **{"a/b/c.py": "x = 1\n", "m.py": "y = 1\n"})
    (place / "link").symlink_to("m.py")
    (place / "run.sh").write_text("#!/bin/sh\n")
    (place / "run.sh").chmod(0o755)
    git(place, "update-index", "--add", "--cacheinfo", f"160000,{'5' * 40},vendor/sub")
    git(place, "add", "link", "run.sh")
    git(place, "commit", "--quiet", "--message", "odd ones")
    git(place, "mv", "a/b/c.py", "a/d.py")
    git(place, "commit", "--quiet", "--message", "moved")
    return place


@pytest.fixture
def other(tmp_path):
    other = tmp_path / "other.git"
    other.mkdir()
    git(other, "init", "--quiet", "--bare")
    return other


def pushed(place, other, branch, tip, seen, *settings):
    """What a push from a mirror of `place` came to: nothing, or why it was refused."""
    mirror = Mirror(place.parent / "mirror.git")
    mirror.fetch(str(place))
    return push(mirror, str(other), branch, tip, seen, *settings)


def arrived(place, other, revision, seen):
    tip = git(place, "rev-parse", revision)
    assert pushed(place, other, "landing", tip, seen) is None
    assert git(other, "rev-parse", "landing") == tip
    git(other, "fsck", "--strict", "--connectivity-only", "landing")
    assert git(other, "ls-tree", "-r", "landing") == git(place, "ls-tree", "-r", tip)
    return tip


def test_a_whole_history_and_then_what_is_new(place, other):
    first = arrived(place, other, "HEAD~1", None)
    arrived(place, other, "HEAD", first)


def test_a_merge_brings_both_its_sides(place, other):
    first = arrived(place, other, "HEAD~2", None)
    git(place, "checkout", "--quiet", "-b", "side", "HEAD~1")
    commit(place, {"side/n.py": "z = 1\n"})
    git(place, "merge", "--quiet", "--no-edit", "main")
    arrived(place, other, "side", first)
    assert git(other, "rev-list", "--count", "landing") == "5"


def test_what_is_there_under_another_name_is_not_sent_again(place, other):
    git(place, "push", "--quiet", str(other), "main")
    before = git(other, "count-objects", "-v")
    arrived(place, other, "main", None)
    assert git(other, "count-objects", "-v") == before


@pytest.mark.parametrize("seen", [None, "5" * 40])
def test_a_branch_moves_only_from_where_it_was_seen(place, other, seen):
    first = arrived(place, other, "HEAD~1", None)
    refusal = pushed(place, other, "landing", git(place, "rev-parse", "HEAD"), seen)
    assert refusal is not None
    assert refusal.kind == "moved"
    assert git(other, "rev-parse", "landing") == first


def test_a_branch_that_is_checked_out_is_refused_unless_its_work_tree_may_follow(place):
    head, before = git(place, "rev-parse", "HEAD", "HEAD~1").split()
    git(place, "reset", "--quiet", "--hard", before)
    git(place, "branch", "kept", head)
    refusal = pushed(place, place, "main", head, before)
    assert refusal is not None
    assert refusal.kind == "checked_out"
    mirror = Mirror(place.parent / "mirror.git")
    assert push_with_work_tree(mirror, str(place), "main", head, before, place) is None
    assert git(place, "rev-parse", "HEAD") == head
    assert git(place, "status", "--porcelain", "--ignore-submodules") == ""


def test_hooks_of_the_other_end_are_not_run(place, other, tmp_path):
    for name in ("pre-receive", "update", "post-receive", "reference-transaction", "post-update"):
        hook = other / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/canary\n")
        hook.chmod(0o755)
    arrived(place, other, "HEAD", None)
    assert not (tmp_path / "canary").exists()


def test_a_place_without_a_repository_says_so(place, tmp_path):
    refusal = pushed(
        place, tmp_path / "nowhere.git", "landing", git(place, "rev-parse", "HEAD"), None
    )
    assert refusal is not None
    assert "does not appear to be a git repository" in refusal.reason
