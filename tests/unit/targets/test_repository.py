"""Inspecting a repository changes nothing in it, and names what cannot be used."""

import shlex
import subprocess

import pytest

from shared.kernel.errors import Conflict, NotFound, Rejected
from shared.targets.head import find_head
from shared.targets.mirror import Mirror
from shared.targets.repository import checked_out_at, find_revision, inspect_repository
from tests.support.builders import a_target
from tests.support.repositories import a_repository, commit, git


@pytest.fixture
def place(tmp_path):
    return a_repository(tmp_path / "target", m_py="x = 1\n")


def test_the_facts_of_a_plain_repository(place):
    facts = inspect_repository(str(place))
    assert facts.base_branch == "main"
    assert facts.landing_branch == "groundswell/main"
    assert facts.head == facts.root_commit == git(place, "rev-parse", "HEAD")
    assert (facts.detached, facts.dirty, facts.notes) == (False, False, ())


def test_a_revision_is_found_by_any_name_that_git_knows(place):
    git(place, "tag", "-a", "v1", "-m", "one")
    first = git(place, "rev-parse", "HEAD")
    second = commit(place, {"m.py": "x = 2\n"})
    for name in ("v1", "HEAD~1", "main~1", first, first[:8]):
        assert find_revision(str(place), name) == first
    assert find_revision(str(place), "main") == second
    for name in ("nope", "--all", "--output=x", "v1:m.py", ""):
        assert find_revision(str(place), name) is None


def test_a_branch_tag_or_full_id_of_a_remote_is_found(place):
    git(place, "tag", "-a", "v1", "-m", "one")
    git(place, "tag", "plain")
    first = git(place, "rev-parse", "HEAD")
    second = commit(place, {"m.py": "x = 2\n"})
    url = f"file://{place}"
    assert find_revision(url, "v1") == find_revision(url, "plain") == first
    assert find_revision(url, "main") == second
    assert find_revision(url, first) == first
    assert find_revision(url, first[:8]) is None


def test_a_dirty_work_tree_is_reported_and_its_index_is_not_changed(place):
    (place / "m.py").write_text("x = 2\n")
    index = (place / ".git" / "index").read_bytes()
    assert inspect_repository(str(place)).dirty
    assert (place / ".git" / "index").read_bytes() == index


@pytest.mark.parametrize("kind", ["committed", "untracked"])
def test_folders_nested_too_deeply_are_refused_with_how_to_find_them(place, kind):
    innermost = place.joinpath(*["d"] * 100)
    innermost.mkdir(parents=True)
    (innermost / "m.py").write_text("x = 1\n")
    if kind == "committed":
        commit(place, {})
    with pytest.raises(Rejected, match="100 or more folders inside each other") as refused:
        inspect_repository(str(place))
    assert refused.value.code == "too_deep"
    command = refused.value.hint.partition("listed by: ")[2]
    found = subprocess.run(shlex.split(command), capture_output=True, text=True, check=True)
    assert found.stdout.split() == [str(innermost)]


@pytest.mark.parametrize(("depth", "ignored"), [(99, ""), (120, "d/\n")])
def test_folders_that_are_nested_less_or_ignored_are_fine(place, depth, ignored):
    commit(place, {".gitignore": ignored})
    place.joinpath(*["d"] * depth).mkdir(parents=True)
    assert not inspect_repository(str(place)).dirty


def test_a_detached_head_is_a_base_of_its_own(place):
    git(place, "switch", "--quiet", "--detach")
    facts = inspect_repository(str(place))
    assert facts.detached
    assert facts.landing_branch == f"groundswell/{facts.head[:10]}"


def test_a_checked_out_landing_branch_stands_for_its_base(place):
    git(place, "switch", "--quiet", "--create", "groundswell/main")
    facts = inspect_repository(str(place))
    assert facts.base_branch == "main"
    assert "landing branch" in facts.notes[0]


def test_another_base_can_be_given(place):
    git(place, "branch", "release")
    assert inspect_repository(str(place), base="release").landing_branch == "groundswell/release"
    with pytest.raises(NotFound, match="no branch nope"):
        inspect_repository(str(place), base="nope")


def test_the_base_can_be_named_in_groundswell_toml(place):
    git(place, "branch", "release")
    commit(place, {"groundswell.toml": '[target]\nbase = "release"\n'})
    facts = inspect_repository(str(place))
    assert facts.base_branch == "release"
    assert "named in groundswell.toml" in facts.notes[0]
    assert inspect_repository(str(place), base="main").base_branch == "main"


def test_a_bare_repository_can_be_inspected(place, tmp_path):
    git(place, "clone", "--quiet", "--bare", str(place), str(tmp_path / "bare.git"))
    facts = inspect_repository(str(tmp_path / "bare.git"))
    assert (facts.base_branch, facts.name, facts.dirty) == ("main", "bare", False)


def test_a_url_can_be_inspected(place):
    facts = inspect_repository(f"file://{place}")
    assert facts.base_branch == "main"
    assert facts.head == git(place, "rev-parse", "HEAD")
    with pytest.raises(Rejected, match="could not be read"):
        inspect_repository("file:///nowhere/at/all")


def test_a_branch_whose_name_is_no_utf_8_hides_no_other(place):
    first = git(place, "rev-parse", "HEAD")
    (place / ".git" / "packed-refs").write_bytes(first.encode() + b" refs/heads/\xff\n")
    url = f"file://{place}"
    assert inspect_repository(url).head == find_revision(url, "main") == first


def test_a_branch_called_groundswell_is_a_conflict(place):
    git(place, "branch", "groundswell")
    with pytest.raises(Conflict, match="groundswell/<base> cannot be made"):
        inspect_repository(str(place))


def test_the_work_tree_of_a_checked_out_branch_is_found(place, tmp_path):
    assert checked_out_at(str(place), "main") == str(place)
    assert checked_out_at(str(place), "other") is None
    there = tmp_path / "there"
    git(place, "worktree", "add", "--quiet", "-b", "other", str(there))
    assert checked_out_at(str(place), "other") == str(there)
    assert checked_out_at("https://elsewhere.example/x.git", "main") is None


@pytest.fixture
def mirror(tmp_path, place):
    made = Mirror(tmp_path / "home" / "repo.git")
    made.fetch(str(place))
    return made


@pytest.fixture
def target(place):
    return a_target(location=str(place))


class TestHead:
    def test_it_is_the_base_without_a_landing_branch(self, mirror, target, place):
        head = find_head(mirror, target)
        assert head.commit == head.base == git(place, "rev-parse", "main")
        assert head.landing is None

    def landing_ahead(self, place):
        git(place, "switch", "--quiet", "--create", "groundswell/main")
        ahead = commit(place, {"n.py": "y = 1\n"})
        git(place, "switch", "--quiet", "main")
        return ahead

    def test_it_is_the_landing_branch_while_that_is_ahead(self, mirror, target, place):
        ahead = self.landing_ahead(place)
        mirror.fetch(str(place))
        assert find_head(mirror, target).commit == ahead

    def test_it_is_the_base_after_the_landing_branch_was_merged(self, mirror, target, place):
        self.landing_ahead(place)
        git(place, "merge", "--quiet", "--no-ff", "--message", "merge", "groundswell/main")
        mirror.fetch(str(place))
        head = find_head(mirror, target)
        assert head.commit == git(place, "rev-parse", "main")

    def test_diverged_branches_are_noted(self, mirror, target, place):
        ahead = self.landing_ahead(place)
        commit(place, {"o.py": "z = 1\n"})
        mirror.fetch(str(place))
        head = find_head(mirror, target)
        assert head.commit == ahead
        assert "main has commits that groundswell/main lacks" in head.note

    def test_a_base_that_is_gone_is_refused(self, mirror, target, place):
        git(place, "branch", "--move", "main", "trunk")
        mirror.fetch(str(place))
        with pytest.raises(Conflict, match="no branch main any more"):
            find_head(mirror, target)


def test_an_export_has_no_links_that_lead_out_of_it(mirror, place, tmp_path):
    (place / "inside").symlink_to("m.py")
    (place / "outside").symlink_to("/etc/passwd")
    (place / "above").symlink_to("../../secret")
    (place / "run.sh").write_text("#!/bin/sh\n")
    (place / "run.sh").chmod(0o755)
    head = commit(place, {})
    mirror.fetch(str(place))
    mirror.export(head, tmp_path / "out")
    names = {each.name for each in (tmp_path / "out").iterdir()}
    assert names == {"m.py", "inside", "run.sh"}
    assert (tmp_path / "out" / "inside").read_text() == "x = 1\n"
    assert (tmp_path / "out" / "run.sh").stat().st_mode & 0o111
    assert not (tmp_path / "out" / ".git").exists()
