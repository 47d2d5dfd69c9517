"""The target is somebody else's: its branches, its checkout, its configuration."""

import os
import shutil
import threading
from pathlib import Path

import pytest

from shared.targets.repository import checked_out_at, inspect_repository
from tests.support.builders import NOW
from tests.support.landing import Yard, a_patch, a_yard, a_yard_at, trailing
from tests.support.repositories import a_repository, checkout_of, commit, git

LANDING = "groundswell/main"


@pytest.fixture
def yard(tmp_path):
    return a_yard(tmp_path, m_py="x = 1\n", n_py="y = 1\n")


def branches(place: Path) -> dict[str, str]:
    lines = git(place, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    return dict(line.split() for line in lines)


class TestTheBranch:
    def test_landing_makes_one_branch_and_moves_no_other(self, yard):
        git(yard.place, "branch", "feature")
        git(yard.place, "tag", "v1")
        before = branches(yard.place)
        tip = yard.land("m.py", "x = 1\n", "x = 2\n")
        assert branches(yard.place) == before | {f"refs/heads/{LANDING}": tip}

    def test_the_private_branch_says_the_same(self, yard):
        tip = yard.land("m.py", "x = 1\n", "x = 2\n")
        assert branches(yard.mirror.path)[f"refs/heads/{LANDING}"] == tip
        assert yard.mirror.branch(LANDING) == tip

    def test_landing_again_goes_on_from_there(self, yard):
        first = yard.land("m.py", "x = 1\n", "x = 2\n", "e1")
        assert yard.head() == first
        second = yard.land("m.py", "x = 2\n", "x = 3\n", "e2")
        assert git(yard.place, "rev-list", f"main..{LANDING}").split() == [second, first]

    def test_publishing_the_same_twice_is_the_same_as_once(self, yard):
        head = yard.head()
        tip = yard.made("m.py", "x = 1\n", "x = 2\n")
        assert yard.publish(tip, head) is None
        assert yard.publish(tip, head) is None
        assert git(yard.place, "rev-parse", LANDING) == tip

    def test_work_goes_on_from_the_base_once_the_branch_was_merged(self, yard):
        yard.land("m.py", "x = 1\n", "x = 2\n", "e1")
        git(yard.place, "merge", "--quiet", "--no-ff", "--message", "merged", LANDING)
        merged = commit(yard.place, {"n.py": "y = 2\n"})
        assert yard.head() == merged
        tip = yard.land("n.py", "y = 2\n", "y = 3\n", "e2")
        assert git(yard.place, "rev-parse", f"{tip}^") == merged
        assert git(yard.place, "rev-parse", LANDING) == tip

    def test_a_branch_the_base_left_behind_goes_on_and_says_so(self, yard):
        landed = yard.land("m.py", "x = 1\n", "x = 2\n", "e1")
        commit(yard.place, {"n.py": "y = 2\n"})
        head = yard.repository.refresh(yard.target)
        assert head.commit == head.landing == landed
        assert "has commits that groundswell/main lacks" in head.note

    def test_a_branch_that_was_deleted_begins_anew(self, yard):
        yard.land("m.py", "x = 1\n", "x = 2\n", "e1")
        git(yard.place, "branch", "--delete", "--force", LANDING)
        assert yard.head() == git(yard.place, "rev-parse", "main")
        tip = yard.land("m.py", "x = 1\n", "x = 5\n", "e2")
        assert git(yard.place, "rev-list", "--count", f"main..{LANDING}") == "1"
        assert yard.repository.landed_commits(yard.target, ["e1", "e2"]) == {"e2": tip}

    def test_a_branch_that_was_deleted_meanwhile_is_not_brought_back(self, yard):
        head = yard.land("m.py", "x = 1\n", "x = 2\n", "e1")
        tip = yard.made("m.py", "x = 2\n", "x = 3\n", "e2")
        git(yard.place, "branch", "--delete", "--force", LANDING)
        assert yard.publish(tip, head).kind == "moved"
        assert f"refs/heads/{LANDING}" not in branches(yard.place)

    def test_a_branch_that_was_rewound_meanwhile_is_not_pushed_over(self, yard):
        first = yard.land("m.py", "x = 1\n", "x = 2\n", "e1")
        head = yard.land("m.py", "x = 2\n", "x = 3\n", "e2")
        tip = yard.made("m.py", "x = 3\n", "x = 4\n", "e3")
        git(yard.place, "branch", "--force", LANDING, first)
        assert yard.publish(tip, head).kind == "moved"
        assert git(yard.place, "rev-parse", LANDING) == first

    def test_threads_that_each_land_what_they_composed_lose_nothing(self, yard):
        """Every thread tries until it lands; each change is on the branch once."""
        path = [f"new_{n}.py" for n in range(4)]

        def land(mine: str) -> None:
            while True:
                tip_on = yard.head()
                made = yard.repository.compose(tip_on, [(mine, a_patch(mine, None, "x = 1\n"))])
                tip = yard.repository.commit(made.tree, tip_on, trailing(mine), NOW)
                if yard.publish(tip, tip_on) is None:
                    return

        threads = [threading.Thread(target=land, args=(each,)) for each in path]
        for each in threads:
            each.start()
        for each in threads:
            each.join(60)
        assert git(yard.place, "rev-list", "--count", f"main..{LANDING}") == "4"
        yard.head()
        assert set(yard.repository.landed_commits(yard.target, path)) == set(path)
        assert set(path) <= set(git(yard.place, "ls-tree", "--name-only", LANDING).split())


class TestAnotherRepositoryAtTheSamePlace:
    """The user deleted the repository and made another one, while changes of the old one wait."""

    def replaced(self, yard, branch="main"):
        shutil.rmtree(yard.place)
        a_repository(yard.place, m_py="x = 1\n", other_py="z = 1\n")
        git(yard.place, "branch", "--move", branch)

    def test_what_was_made_for_the_old_one_is_not_pushed(self, yard):
        head, tip = yard.head(), yard.made("m.py", "x = 1\n", "x = 2\n")
        self.replaced(yard)
        before = branches(yard.place)
        refusal = yard.publish(tip, head)
        assert refusal.kind == "replaced"
        assert "is not the one it was made for: main shares no history with" in refusal.reason
        assert "start a new wave" in refusal.reason
        assert branches(yard.place) == before

    def test_nor_where_the_new_one_has_another_base_branch(self, yard):
        head, tip = yard.head(), yard.made("m.py", "x = 1\n", "x = 2\n")
        self.replaced(yard, "trunk")
        before = branches(yard.place)
        assert yard.publish(tip, head).kind == "replaced"
        assert branches(yard.place) == before

    def test_a_commit_of_the_old_one_is_foreign_to_the_new_one(self, yard):
        old = yard.head()
        assert yard.repository.replaced_reason(yard.target, old) is None
        self.replaced(yard)
        new = yard.head()
        assert yard.repository.replaced_reason(yard.target, old)
        assert yard.repository.replaced_reason(yard.target, new) is None

    def test_a_branch_whose_history_was_rewritten_is_still_the_same_target(self, yard):
        made_for = commit(yard.place, {"m.py": "x = 7\n"})
        yard.head()
        git(yard.place, "reset", "--quiet", "--hard", "HEAD~1")
        commit(yard.place, {"m.py": "x = 8\n"})
        yard.head()
        assert yard.repository.replaced_reason(yard.target, made_for) is None

    def test_the_first_commit_of_a_remote_is_unknown_and_the_changes_own_decides(self, yard):
        old = yard.head()
        remote = yard.target.model_copy(update={"root_commit": "0" * 40})
        assert yard.repository.replaced_reason(remote, old) is None
        self.replaced(yard)
        yard.head()
        assert yard.repository.replaced_reason(remote, old)


class TestTheCheckout:
    @pytest.mark.parametrize(
        "state", ["clean", "edited", "staged", "untracked", "detached", "merging"]
    )
    def test_it_stays_as_it_is(self, yard, state):
        if state == "edited":
            (yard.place / "m.py").write_text("x = 'being edited'\n")
        elif state == "staged":
            (yard.place / "m.py").write_text("x = 'staged'\n")
            git(yard.place, "add", "m.py")
        elif state == "untracked":
            (yard.place / "mine.txt").write_text("mine\n")
        elif state == "detached":
            git(yard.place, "checkout", "--quiet", "--detach")
        elif state == "merging":
            git(yard.place, "checkout", "--quiet", "-b", "side")
            commit(yard.place, {"n.py": "y = 2\n"})
            git(yard.place, "merge", "--quiet", "--no-ff", "--no-commit", "main")
        before = checkout_of(yard.place)
        tip = yard.land("m.py", "x = 1\n", "x = 2\n")
        assert checkout_of(yard.place) == before
        assert git(yard.place, "rev-parse", LANDING) == tip

    def test_no_file_of_the_target_is_written_but_objects_and_the_branch(self, yard):
        def files() -> dict[Path, bytes]:
            found = (each for each in yard.place.rglob("*") if each.is_file())
            return {each: each.read_bytes() for each in found if "objects" not in each.parts}

        before = files()
        yard.land("m.py", "x = 1\n", "x = 2\n")
        after = files()
        assert {each: after.get(each) for each in before} == before
        new = {str(each.relative_to(yard.place / ".git")) for each in set(after) - set(before)}
        assert new <= {f"refs/heads/{LANDING}", f"logs/refs/heads/{LANDING}"}

    def test_a_work_tree_beside_it_that_has_the_branch_is_respected(self, yard, tmp_path):
        head = yard.land("m.py", "x = 1\n", "x = 2\n", "e1")
        git(yard.place, "worktree", "add", "--quiet", str(tmp_path / "beside"), LANDING)
        refusal = yard.publish(yard.made("m.py", "x = 2\n", "x = 3\n", "e2"), head)
        assert refusal.kind == "checked_out"
        assert str(tmp_path / "beside") in refusal.reason
        assert git(yard.place, "rev-parse", LANDING) == head
        assert (tmp_path / "beside" / "m.py").read_text() == "x = 2\n"
        assert checked_out_at(str(yard.place), LANDING) == str(tmp_path / "beside")

    def test_a_bare_target_is_landed_on_as_well(self, tmp_path):
        place = a_repository(tmp_path / "target", m_py="x = 1\n")
        git(place, "clone", "--quiet", "--bare", str(place), str(tmp_path / "bare.git"))
        yard = a_yard_at(tmp_path / "bare.git", tmp_path / "home")
        tip = yard.land("m.py", "x = 1\n", "x = 2\n")
        assert git(tmp_path / "bare.git", "rev-parse", LANDING) == tip


class TestHostility:
    """A repository of another owner is read, not trusted: nothing it says is run."""

    @pytest.fixture
    def canary(self, tmp_path):
        return tmp_path / "canary"

    @pytest.fixture
    def script(self, tmp_path, canary):
        made = tmp_path / "evil"
        made.write_text(f'#!/bin/sh\necho "$0 $*" >> {canary}\n')
        made.chmod(0o755)
        return made

    def land(self, yard: Yard) -> str:
        return yard.land("m.py", "x = 1\n", "x = 2\n")

    def test_a_directory_of_hooks_elsewhere_is_not_looked_at(self, yard, canary, script, tmp_path):
        hooks = tmp_path / "hooks"
        hooks.mkdir()
        for name in (
            "pre-receive",
            "update",
            "post-update",
            "post-receive",
            "reference-transaction",
        ):
            (hooks / name).symlink_to(script)
        git(yard.place, "config", "core.hooksPath", str(hooks))
        self.land(yard)
        assert not canary.exists(), canary.read_text()

    def test_a_hook_cannot_refuse_either(self, yard):
        for name in ("pre-receive", "update", "reference-transaction"):
            hook = yard.place / ".git" / "hooks" / name
            hook.write_text("#!/bin/sh\nexit 1\n")
            hook.chmod(0o755)
        self.land(yard)

    @pytest.mark.parametrize(
        "key",
        [
            "core.fsmonitor",
            "core.sshCommand",
            "core.gitProxy",
            "core.editor",
            "core.pager",
            "uploadpack.packObjectsHook",
            "receive.procReceiveRefs",
            "gpg.program",
            "credential.helper",
            "diff.external",
        ],
    )
    def test_a_command_in_its_configuration_is_not_run(self, yard, canary, script, key):
        yard.head()
        git(yard.place, "config", key, str(script))
        canary.unlink(missing_ok=True)
        inspect_repository(str(yard.place))
        self.land(yard)
        assert not canary.exists(), canary.read_text()

    def test_it_may_not_forbid_by_its_configuration_what_is_harmless(self, yard):
        git(yard.place, "config", "receive.denyCurrentBranch", "updateInstead")
        git(yard.place, "config", "transfer.hideRefs", "refs/heads/secret")
        before = checkout_of(yard.place)
        self.land(yard)
        assert checkout_of(yard.place) == before

    def test_filters_are_not_run_by_fetching_and_landing(self, yard, canary, script):
        commit(yard.place, {".gitattributes": "*.py filter=evil diff=evil merge=evil\n"})
        for each in ("filter.evil.smudge", "filter.evil.process", "merge.evil.driver"):
            git(yard.place, "config", each, str(script))
        self.land(yard)
        assert not canary.exists(), canary.read_text()

    def test_ours_and_the_machines_environment_do_not_lead_elsewhere(self, yard, monkeypatch):
        monkeypatch.setenv("GIT_DIR", "/nowhere")
        monkeypatch.setenv("GIT_WORK_TREE", "/nowhere")
        monkeypatch.setenv("GIT_INDEX_FILE", "/nowhere/index")
        head = yard.repository.refresh(yard.target)
        assert head.commit == head.base

    def test_a_command_that_lists_the_refs_of_an_alternate_is_not_run(
        self, yard, canary, script, tmp_path
    ):
        other = a_repository(tmp_path / "alternate", q_py="q = 1\n")
        info = yard.place / ".git" / "objects" / "info"
        info.mkdir(exist_ok=True)
        (info / "alternates").write_text(f"{other / '.git' / 'objects'}\n")
        git(yard.place, "config", "core.alternateRefsCommand", str(script))
        yard.head()
        canary.unlink(missing_ok=True)
        self.land(yard)
        assert not canary.exists(), canary.read_text()

    def test_looking_whether_it_is_dirty_runs_no_filter(self, yard, canary, script):
        commit(yard.place, {".gitattributes": "*.py filter=evil\n"})
        git(yard.place, "config", "filter.evil.clean", str(script))
        (yard.place / "m.py").write_text("x = 7\n")
        os.utime(yard.place / "m.py", (1, 1))
        inspect_repository(str(yard.place))
        assert not canary.exists(), canary.read_text()

    def test_looking_for_an_object_that_is_missing_asks_no_other_repository(
        self, yard, canary, script
    ):
        commit(yard.place, {"n.py": "y = 2\n"})
        root = git(yard.place, "rev-parse", "HEAD~1")
        settings = {
            "core.repositoryformatversion": "1",
            "extensions.partialClone": "origin",
            "remote.origin.url": str(yard.place),
            "remote.origin.promisor": "true",
            "remote.origin.uploadpack": str(script),
        }
        for key, value in settings.items():
            git(yard.place, "config", key, value)
        (yard.place / ".git" / "objects" / root[:2] / root[2:]).unlink()
        canary.unlink(missing_ok=True)
        try:
            inspect_repository(str(yard.place))
        except Exception:  # noqa: BLE001 - that it cannot be read is fine
            assert not canary.exists(), canary.read_text()
        assert not canary.exists()


class TestFoundAgain:
    def test_what_came_back_after_a_revert_is_found_where_it_stands(self, yard):
        first = yard.land("m.py", "x = 1\n", "x = 2\n", "e1")
        tree = yard.repository.revert(first, first).tree
        off = yard.repository.commit(tree, first, trailing("e1", "Reverts-Enhancement-Id"), NOW)
        assert yard.publish(off, first) is None
        again = yard.land("m.py", "x = 1\n", "x = 2\n", "e1")
        assert yard.repository.landed_commits(yard.target, ["e1", "e2"]) == {"e1": again}

    def test_without_a_landing_branch_nothing_has_landed(self, yard):
        yard.head()
        assert yard.repository.landed_commits(yard.target, ["e1"]) == {}
        assert yard.repository.revert_commits(yard.target, ["e1"]) == {}

    def test_it_is_found_below_a_merge_of_the_base(self, yard, tmp_path):
        first = yard.land("m.py", "x = 1\n", "x = 2\n", "e1")
        commit(yard.place, {"n.py": "y = 2\n"})
        git(yard.place, "worktree", "add", "--quiet", str(tmp_path / "w"), LANDING)
        git(tmp_path / "w", "merge", "--quiet", "--message", "base", "main")
        git(yard.place, "worktree", "remove", str(tmp_path / "w"))
        yard.head()
        assert yard.repository.landed_commits(yard.target, ["e1"]) == {"e1": first}

    def test_a_file_that_was_added_goes_again_and_one_that_was_deleted_comes_back(self, yard):
        added = yard.land("new.py", None, "z = 1\n", "e1")
        deleted = yard.land("n.py", "y = 1\n", None, "e2")
        without = yard.repository.revert(deleted, added)
        assert yard.listing(without.tree).keys() == {"m.py"}
        back = yard.repository.revert(deleted, deleted)
        assert yard.content(back.tree, "n.py") == b"y = 1\n"
        assert back.conflicts == ()


class TestMechanisms:
    def test_it_never_moves_to_what_does_not_contain_the_head(self, yard):
        main = yard.head()
        tip = yard.land("m.py", "x = 1\n", "x = 2\n")
        tree = yard.repository.compose(main, [("e", a_patch("n.py", "y = 1\n", "y = 2\n"))]).tree
        aside = yard.repository.commit(tree, main, trailing("e"), NOW)
        assert yard.publish(aside, tip).kind == "other"
        assert git(yard.place, "rev-parse", LANDING) == tip

    def test_stale_locks_of_a_killed_landing_are_cleared(self, yard):
        yard.head()
        lock = yard.mirror.path / "refs" / "heads" / "groundswell" / "main.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.write_text("")
        yard.land("m.py", "x = 1\n", "x = 2\n")
        assert not lock.exists()
