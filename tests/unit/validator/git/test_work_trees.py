"""Landing on a branch that is checked out: its files move along, nothing of it is run."""

import os
from contextlib import suppress
from pathlib import Path

import pytest

from services.validator.git.adapters.remotes import GitRemote
from services.validator.git.adapters.work_tree import WorkTree
from shared.kernel.errors import GroundswellError, Rejected
from shared.targets.repository import inspect_repository, remote_url
from shared.targets.work_tree import has_local_changes
from tests.support.landing import a_yard, a_yard_at
from tests.support.repositories import a_repository, commit, git

MODES = ("branch", "direct", "remote")
PROGRAMS = [
    *("filter.evil.clean", "filter.evil.smudge", "filter.evil.process"),
    *("core.fsmonitor", "core.sshCommand", "core.gitProxy", "core.editor", "core.pager"),
    *("uploadpack.packObjectsHook", "receive.procReceiveRefs", "core.alternateRefsCommand"),
    *("diff.external", "diff.evil.textconv", "diff.evil.command", "merge.evil.driver"),
    *("credential.helper", "gpg.program", "sequence.editor", "core.askPass"),
    *("remote.origin.uploadpack", "remote.origin.receivepack", "remote.origin.vcs"),
]
HOOKS = [
    *("pre-receive", "update", "post-receive", "post-update", "reference-transaction"),
    *("post-checkout", "post-merge", "post-index-change", "push-to-checkout", "proc-receive"),
    *("fsmonitor-watchman", "pre-push", "pre-commit"),
]
OWNER = 60578


@pytest.fixture
def yard(tmp_path):
    yard = a_yard(tmp_path, m_py="x = 1\n", n_py="y = 1\n")
    return direct(yard)


def direct(yard):
    target = yard.target.model_copy(update={"landing_branch": yard.target.base_branch})
    return type(yard)(yard.place, target, yard.mirror, yard.repository)


@pytest.fixture
def canary(tmp_path):
    return tmp_path / "canary"


@pytest.fixture
def script(tmp_path, canary):
    made = tmp_path / "evil"
    made.write_text(f'#!/bin/sh\necho "$0 $*" >> {canary}\ncat\n')
    made.chmod(0o755)
    return made


def is_clean(place: Path) -> bool:
    return git(place, "status", "--porcelain") == ""


class TestNothingOfTheRepositoryIsRun:
    def everything(self, place, home, mode):
        """All that is done to a repository in one mode, from looking at it to landing on it."""
        inspect_repository(str(place))
        has_local_changes(str(place))
        yard = a_yard_at(place, home)
        if mode == "direct":
            yard = direct(yard)
        head = yard.head()
        tip = yard.made("n.py", "y = 1\n", "y = 2\n")
        assert yard.publish(tip, head) is None
        if mode == "remote":
            with suppress(GroundswellError):  # A remote that cannot be used is fine.
                GitRemote(yard.mirror, yard.target, "origin").push("groundswell/x", tip, None)

    @pytest.mark.parametrize("mode", MODES)
    @pytest.mark.parametrize("what", ["configuration", "hooks", "protocols"])
    def test_in_any_mode(self, tmp_path, canary, script, mode, what):
        place = a_repository(tmp_path / "target", m_py="x = 1\n", n_py="y = 1\n")
        remote = tmp_path / "remote.git"
        git(tmp_path, "clone", "--quiet", "--bare", str(place), str(remote))
        commit(place, {".gitattributes": "m.py filter=evil diff=evil merge=evil\n"})
        git(place, "config", "remote.origin.url", f"file://{remote}")
        for each in (place / ".git", remote):
            self.arm(each, script, what)
        os.utime(place / "m.py", (1, 1))  # Git would have to run the filter to compare it.
        canary.unlink(missing_ok=True)
        self.everything(place, tmp_path / "home", mode)
        assert not canary.exists(), canary.read_text()

    def arm(self, repository, script, what):
        if what == "configuration":
            for key in PROGRAMS:
                git(repository, "config", key, str(script))
        elif what == "hooks":
            git(repository, "config", "core.hooksPath", str(repository / "hooks"))
            for name in HOOKS:
                hook = repository / "hooks" / name
                hook.unlink(missing_ok=True)
                hook.symlink_to(script)
        else:
            for name in ("allow", "ext.allow", "file.allow"):
                git(repository, "config", f"protocol.{name}", "always")
            git(repository, "config", f"url.ext::{script} .insteadOf", "file://")

    def test_a_remote_that_is_a_program_is_refused(self, yard):
        git(yard.place, "config", "remote.origin.url", "--upload-pack=touch /tmp/x")
        with pytest.raises(Rejected, match="form of an option"):
            remote_url(str(yard.place), "origin")

    @pytest.mark.parametrize(
        "location", ["--upload-pack=x", "-x", "ssh://-oProxyCommand=x/y", "git@-oProxyCommand=x:y"]
    )
    def test_a_location_that_is_an_option_is_refused(self, location):
        with pytest.raises(Rejected, match="form of an option"):
            inspect_repository(location)

    def test_the_repository_in_which_a_command_is_started_configures_nothing(
        self, yard, canary, script, monkeypatch
    ):
        git(yard.place, "config", "core.sshCommand", str(script))
        monkeypatch.chdir(yard.place)
        with pytest.raises(Rejected):
            inspect_repository("git@localhost.invalid:x.git")
        assert not canary.exists(), canary.read_text()


class TestTheFilesMoveAlong:
    def test_changed_new_and_deleted_files(self, yard):
        yard.land("m.py", "x = 1\n", "x = 2\n", "e1")
        yard.land("a/b/new.py", None, "z = 1\n", "e2")
        yard.land("n.py", "y = 1\n", None, "e3")
        assert is_clean(yard.place)
        assert (yard.place / "m.py").read_text() == "x = 2\n"
        yard.land("a/b/new.py", "z = 1\n", None, "e4")
        assert is_clean(yard.place)
        assert not (yard.place / "a").exists()

    @pytest.mark.parametrize(
        ("state", "reason"),
        [
            ("edited", "m.py differs from the commit"),
            ("edited elsewhere", "n.py has uncommitted changes"),
            ("staged", "m.py"),
            ("crlf", "m.py differs from the commit"),
            ("linked", "m.py differs from the commit"),
            ("filtered", "m.py goes through the filter lfs"),
            ("merging", "a merge or rebase is going on"),
        ],
    )
    def test_what_cannot_be_written_is_refused_and_nothing_changes(self, yard, state, reason):
        place = yard.place
        if state == "edited":
            (place / "m.py").write_text("x = 'edited'\n")
        elif state == "edited elsewhere":
            (place / "n.py").write_text("y = 'edited'\n")
        elif state == "staged":
            (place / "m.py").write_text("x = 'staged'\n")
            git(place, "add", "m.py")
        elif state == "crlf":
            commit(place, {".gitattributes": "*.py text eol=crlf\n"})
            (place / "m.py").unlink()
            git(place, "checkout", "--", "m.py")
        elif state == "linked":
            (place / "m.py").unlink()
            (place / "m.py").symlink_to("n.py")
        elif state == "filtered":
            commit(place, {".gitattributes": "*.py filter=lfs\n"})
        else:
            (place / ".git" / "MERGE_HEAD").write_text(git(place, "rev-parse", "HEAD") + "\n")
        before = (place / "m.py").read_bytes()
        head = yard.head()
        refusal = yard.publish(yard.made("m.py", "x = 1\n", "x = 2\n"), head)
        assert refusal.kind == "checked_out"
        assert reason in refusal.reason
        assert git(place, "rev-parse", "main") == head
        assert (place / "m.py").read_bytes() == before

    def test_an_untracked_file_is_not_overwritten(self, yard):
        (yard.place / "new.py").write_text("mine\n")
        head = yard.head()
        refusal = yard.publish(yard.made("new.py", None, "theirs\n"), head)
        assert refusal.kind == "checked_out"
        assert (yard.place / "new.py").read_text() == "mine\n"

    def test_what_a_crash_interrupted_is_done_by_the_next_attempt(self, yard):
        head = yard.head()
        tip = yard.made("m.py", "x = 1\n", "x = 2\n")
        WorkTree(yard.place, yard.mirror.repository, head, tip).write()
        assert yard.publish(tip, head) is None
        assert is_clean(yard.place)
        assert git(yard.place, "rev-parse", "main") == tip

    def test_a_branch_that_moved_meanwhile_keeps_its_files(self, yard):
        head = yard.head()
        tip = yard.made("m.py", "x = 1\n", "x = 2\n")
        mine = commit(yard.place, {"n.py": "y = 'mine'\n"})
        assert yard.publish(tip, head).kind == "moved"
        assert is_clean(yard.place)
        assert git(yard.place, "rev-parse", "main") == mine

    def test_an_index_in_use_leaves_everything_as_it_was(self, yard):
        (yard.place / ".git" / "index.lock").touch()
        head = yard.head()
        refusal = yard.publish(yard.made("m.py", "x = 1\n", "x = 2\n"), head)
        assert refusal.kind == "checked_out"
        (yard.place / ".git" / "index.lock").unlink()
        assert is_clean(yard.place)
        assert git(yard.place, "rev-parse", "main") == head

    def test_a_work_tree_that_only_the_repository_claims_is_not_written(self, yard, tmp_path):
        victim = tmp_path / "victim"
        victim.mkdir()
        beside = tmp_path / "beside"
        git(yard.place, "checkout", "--quiet", "-b", "other")
        git(yard.place, "worktree", "add", "--quiet", str(beside), "main")
        (yard.place / ".git" / "worktrees" / "beside" / "gitdir").write_text(f"{victim}/.git\n")
        head = yard.head()
        refusal = yard.publish(yard.made("new.py", None, "z = 1\n"), head)
        assert refusal.kind == "checked_out"
        assert list(victim.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write for another user")
class TestRootInSomebodyElsesRepository:
    @pytest.fixture
    def theirs(self, tmp_path):
        place = a_repository(tmp_path / "target", m_py="x = 1\n")
        for each in (place, *place.rglob("*")):
            os.chown(each, OWNER, OWNER, follow_symlinks=False)
        for each in (tmp_path, *tmp_path.parents):
            if each.stat().st_uid == 0 and each.name:
                each.chmod(each.stat().st_mode | 0o011)
        return a_yard_at(place, tmp_path / "home")

    def owners(self, place):
        return {each.lstat().st_uid for each in (place, *place.rglob("*"))}

    def test_what_lands_belongs_to_its_owner(self, theirs):
        git(theirs.place, "config", "core.logAllRefUpdates", "always")
        os.chown(theirs.place / ".git" / "config", OWNER, OWNER)
        tip = theirs.land("m.py", "x = 1\n", "x = 2\n")
        assert git(theirs.place, "rev-parse", "groundswell/main") == tip
        assert self.owners(theirs.place) == {OWNER}
        assert (theirs.place / ".git" / "logs" / "refs" / "heads" / "groundswell").is_dir()

    def test_where_the_owner_may_not_write_no_branch_is_made(self, theirs):
        heads = theirs.place / ".git" / "refs" / "heads"
        os.chown(heads, 0, 0)
        tip, head = theirs.made("m.py", "x = 1\n", "x = 2\n"), theirs.head()
        assert theirs.publish(tip, head) is not None
        os.chown(heads, OWNER, OWNER)
        assert git(theirs.place, "for-each-ref", "refs/heads/groundswell") == ""
        assert self.owners(theirs.place) == {OWNER}

    def test_a_work_tree_of_theirs_is_refused_before_anything_is_written(self, theirs):
        theirs = direct(theirs)
        tip, head = theirs.made("m.py", "x = 1\n", "x = 2\n"), theirs.head()
        refusal = theirs.publish(tip, head)
        assert "belongs to another user" in refusal.reason
        assert self.owners(theirs.place) == {OWNER}
        assert git(theirs.place, "rev-parse", "main") == head
