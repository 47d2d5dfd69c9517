"""What arrives at the other end is whole, or it is not there at all."""

import pygit2
import pytest

from services.validator.git.adapters.send_pack import send
from shared.targets.git import GitError
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


def sent(place, other, revision, seen, *settings):
    tip = git(place, "rev-parse", revision)
    repository = pygit2.Repository(str(place))
    send(repository, str(other), "refs/heads/landing", tip, seen, *settings)
    assert git(other, "rev-parse", "landing") == tip
    git(other, "fsck", "--strict", "--connectivity-only", "landing")
    assert git(other, "ls-tree", "-r", "landing") == git(place, "ls-tree", "-r", tip)
    return tip


def test_a_whole_history_and_then_what_is_new(place, other):
    first = sent(place, other, "HEAD~1", None)
    sent(place, other, "HEAD", first)


def test_a_merge_brings_both_its_sides(place, other):
    first = sent(place, other, "HEAD~2", None)
    git(place, "checkout", "--quiet", "-b", "side", "HEAD~1")
    commit(place, {"side/n.py": "z = 1\n"})
    git(place, "merge", "--quiet", "--no-edit", "main")
    sent(place, other, "side", first)
    assert git(other, "rev-list", "--count", "landing") == "5"


def test_what_is_there_under_another_name_is_not_sent_again(place, other):
    git(place, "push", "--quiet", str(other), "main")
    before = git(other, "count-objects", "-v")
    sent(place, other, "main", None)
    assert git(other, "count-objects", "-v") == before


@pytest.mark.parametrize("seen", [None, "5" * 40])
def test_from_anything_but_where_it_was_seen_it_does_not_move(place, other, seen):
    first = sent(place, other, "HEAD~1", None)
    with pytest.raises(GitError, match="stale info"):
        sent(place, other, "HEAD", seen)
    assert git(other, "rev-parse", "landing") == first


def test_what_the_other_end_refuses_it_says_why(place, other):
    repository = pygit2.Repository(str(place))
    head, before = git(place, "rev-parse", "HEAD", "HEAD~1").split()
    with pytest.raises(GitError, match="checked out"):
        send(repository, str(place), "refs/heads/main", before, head)


def test_hooks_of_the_other_end_are_not_run(place, other, tmp_path):
    for name in ("pre-receive", "update", "post-receive", "reference-transaction", "post-update"):
        hook = other / "hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/canary\n")
        hook.chmod(0o755)
    sent(place, other, "HEAD", None)
    assert not (tmp_path / "canary").exists()


def test_a_place_that_is_none_says_so(place, tmp_path):
    with pytest.raises(GitError, match="does not appear to be a git repository"):
        sent(place, tmp_path / "nowhere.git", "HEAD", None)
