"""The private repository and the target's branch: composed, landed, found again, taken off."""

import stat
import threading
from datetime import UTC, datetime

import pytest

from services.validator.adapters.repository import GitRepository
from services.validator.ports import Refusal
from shared.contracts.documents import Target
from shared.kernel.ids import uuid7
from shared.targets.config import TargetConfig
from shared.targets.mirror import Mirror
from shared.targets.patches import make_patch
from tests.support.repositories import a_repository, checkout_of, commit, git

WHEN = datetime(2026, 1, 2, tzinfo=UTC)
ONE = "def one():\n    return 1\n\n\ndef two():\n    return 2\n"
LANDING = "groundswell/main"


@pytest.fixture
def place(tmp_path):
    return a_repository(tmp_path / "target", m_py=ONE, n_py="x = 1\n")


@pytest.fixture
def target(place):
    return Target(
        id=uuid7(),
        location=str(place),
        root_commit=git(place, "rev-list", "--max-parents=0", "HEAD"),
        name="target",
        base_branch="main",
        landing_branch=LANDING,
        created_at=WHEN,
    )


@pytest.fixture
def repository(tmp_path, target):
    made = GitRepository(Mirror.at(tmp_path / "home", target.id))
    made.refresh(target)
    return made


def patch(before, after, path="m.py"):
    encoded = [None if each is None else each.encode() for each in (before, after)]
    return make_patch({path: tuple(encoded)})


def message(identity, kind="Enhancement-Id"):
    return f"a change\n\nWhy.\n\n{kind}: {identity}\nWave-Id: w\n"


def landed_change(repository, target, text, identity="e1", path="m.py", before=ONE):
    head = repository.refresh(target).commit
    tree = repository.compose(head, [(identity, patch(before, text, path))]).tree
    tip = repository.commit(tree, head, message(identity), WHEN)
    assert repository.publish(target, tip, head) is None
    return tip


class TestComposing:
    def test_patches_stand_on_each_other(self, repository, target):
        head = repository.refresh(target).commit
        first, second = ONE.replace("return 1", "return 10"), None
        second = first.replace("return 2", "return 20")
        made = repository.compose(head, [("a", patch(ONE, first)), ("b", patch(first, second))])
        assert [each for each, _ in made.steps] == ["a", "b"]
        assert made.tree == made.steps[-1][1]
        assert not made.failed

    def test_one_that_does_not_apply_is_left_out_whole(self, repository, target):
        head = repository.refresh(target).commit
        changes = {
            "m.py": (ONE.encode(), ONE.replace("return 1", "return 10").encode()),
            "n.py": (b"y = 1\n", b"y = 2\n"),
        }
        other = patch(ONE, ONE.replace("return 2", "return 20"))
        made = repository.compose(head, [("bad", make_patch(changes)), ("good", other)])
        assert [each for each, _ in made.failed] == ["bad"]
        assert [each for each, _ in made.steps] == ["good"]
        assert made.tree == repository.compose(head, [("good", other)]).tree

    def test_a_file_may_be_added_and_deleted(self, repository, target):
        head = repository.refresh(target).commit
        made = repository.compose(
            head,
            [("add", patch(None, "z = 1\n", "z.py")), ("gone", patch("x = 1\n", None, "n.py"))],
        )
        assert not made.failed

    def test_the_change_that_breaks_syntax_is_named(self, repository, target):
        head = repository.refresh(target).commit
        broken = ONE.replace("return 2", "return (")
        made = repository.compose(
            head, [("fine", patch("x = 1\n", "x = 2\n", "n.py")), ("bad", patch(ONE, broken))]
        )
        assert repository.invalid(head, made.steps) == ("bad", "m.py")
        assert repository.invalid(head, made.steps[:1]) is None


class TestLanding:
    def test_the_branch_moves_and_the_checkout_stays(self, repository, target, place):
        (place / "m.py").write_text("# being edited\n")
        before = checkout_of(place)
        tip = landed_change(repository, target, ONE.replace("return 1", "return 10"))
        assert git(place, "rev-parse", LANDING) == tip
        assert checkout_of(place) == before

    def test_a_foreign_commit_is_respected(self, repository, target, place, tmp_path):
        landed_change(repository, target, ONE.replace("return 1", "return 10"))
        head = repository.refresh(target).commit
        tree = repository.compose(head, [("e2", patch("x = 1\n", "x = 2\n", "n.py"))]).tree
        tip = repository.commit(tree, head, message("e2"), WHEN)
        git(place, "worktree", "add", "--quiet", str(tmp_path / "other"), LANDING)
        foreign = commit(tmp_path / "other", {"foreign.py": "1\n"})
        git(place, "worktree", "remove", str(tmp_path / "other"))

        refusal = repository.publish(target, tip, head)
        assert isinstance(refusal, Refusal)
        assert refusal.kind == "moved"
        assert git(place, "rev-parse", LANDING) == foreign
        assert repository.refresh(target).commit == foreign

    def test_a_branch_that_appeared_meanwhile_is_respected(self, repository, target, place):
        head = repository.refresh(target).commit
        tree = repository.compose(head, [("e", patch("x = 1\n", "x = 2\n", "n.py"))]).tree
        tip = repository.commit(tree, head, message("e"), WHEN)
        git(place, "branch", LANDING)
        assert repository.publish(target, tip, head).kind == "moved"
        assert git(place, "rev-parse", LANDING) == git(place, "rev-parse", "main")

    def test_it_never_moves_to_what_does_not_contain_the_head(self, repository, target, place):
        landed_change(repository, target, ONE.replace("return 1", "return 10"))
        tip = git(place, "rev-parse", LANDING)
        main = git(place, "rev-parse", "main")
        tree = repository.compose(main, [("e", patch("x = 1\n", "x = 2\n", "n.py"))]).tree
        aside = repository.commit(tree, main, message("e"), WHEN)
        assert repository.publish(target, aside, main) is not None
        assert repository.publish(target, aside, tip).kind == "other"
        assert git(place, "rev-parse", LANDING) == tip

    def test_a_checked_out_landing_branch_is_refused(self, repository, target, place):
        landed_change(repository, target, ONE.replace("return 1", "return 10"))
        git(place, "switch", "--quiet", LANDING)
        git(place, "config", "receive.denyCurrentBranch", "updateInstead")
        head = repository.refresh(target).commit
        tree = repository.compose(head, [("e", patch("x = 1\n", "x = 2\n", "n.py"))]).tree
        tip = repository.commit(tree, head, message("e"), WHEN)
        refusal = repository.publish(target, tip, head)
        assert refusal.kind == "checked_out"
        assert str(place) in refusal.reason
        assert git(place, "rev-parse", LANDING) == head

    def test_of_two_that_race_from_the_same_head_one_wins(self, repository, target, place):
        head = repository.refresh(target).commit
        tips = []
        for value in (2, 3, 4):
            text = f"x = {value}\n"
            tree = repository.compose(head, [("e", patch("x = 1\n", text, "n.py"))]).tree
            tips.append(repository.commit(tree, head, message(f"e{value}"), WHEN))
        results = {}

        def publish(tip):
            results[tip] = repository.publish(target, tip, head)

        threads = [threading.Thread(target=publish, args=(tip,)) for tip in tips]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        winners = [tip for tip, refusal in results.items() if refusal is None]
        assert len(winners) == 1
        assert git(place, "rev-parse", LANDING) == winners[0]
        assert git(place, "rev-list", "--count", f"main..{LANDING}") == "1"

    def test_nothing_of_the_targets_configuration_or_hooks_runs(
        self, repository, target, place, tmp_path
    ):
        canary = tmp_path / "canary"
        hooks = ("pre-receive", "update", "post-update", "post-receive", "reference-transaction")
        for name in (*hooks, "pre-push", "pre-auto-gc", "post-checkout"):
            hook = place / ".git" / "hooks" / name
            hook.parent.mkdir(exist_ok=True)
            hook.write_text(f"#!/bin/sh\necho {name} >> {canary}\n")
            hook.chmod(hook.stat().st_mode | stat.S_IXUSR)
        script = tmp_path / "evil"
        script.write_text(f"#!/bin/sh\necho config >> {canary}\n")
        script.chmod(0o755)
        git(place, "config", "core.fsmonitor", str(script))
        git(place, "config", "uploadpack.packObjectsHook", str(script))
        git(place, "config", "core.sshCommand", str(script))
        git(place, "config", "gc.auto", "1")
        canary.unlink(missing_ok=True)
        landed_change(repository, target, ONE.replace("return 1", "return 10"))
        assert not canary.exists(), canary.read_text()

    def test_stale_locks_of_a_killed_landing_are_cleared(self, repository, target, tmp_path):
        bare = tmp_path / "home" / "targets" / target.id / "repo.git"
        lock = bare / "refs" / "heads" / "groundswell" / "main.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        lock.write_text("")
        landed_change(repository, target, ONE.replace("return 1", "return 10"))
        assert not lock.exists()


class TestFindingAgain:
    def test_what_landed_is_found_by_its_trailer_alone(self, repository, target):
        first = landed_change(repository, target, ONE.replace("return 1", "return 10"), "e1")
        head = repository.refresh(target).commit
        tree = repository.compose(head, [("e2", patch("x = 1\n", "x = 2\n", "n.py"))]).tree
        said = "about e3\n\nEnhancement-Id: e3\n\nThat was the body.\n\nWave-Id: w\n"
        head = repository.commit(tree, head, said, WHEN)
        said = message("e2")
        second = repository.commit(tree, head, said, WHEN)
        assert repository.publish(target, second, repository.refresh(target).commit) is None
        assert dict(repository.landed(target, ["e1", "e2", "e3"])) == {"e1": first, "e2": second}
        assert list(repository.landed(target, ["e1", "e2"])) == ["e2", "e1"]

    def test_a_commit_that_was_never_pushed_is_not_found(self, repository, target):
        head = repository.refresh(target).commit
        tree = repository.compose(head, [("e1", patch("x = 1\n", "x = 2\n", "n.py"))]).tree
        repository.commit(tree, head, message("e1"), WHEN)
        assert not repository.landed(target, ["e1"])

    def test_a_revert_is_found_too(self, repository, target):
        tip = landed_change(repository, target, ONE.replace("return 1", "return 10"), "e1")
        tree = repository.revert(tip, tip).tree
        back = repository.commit(tree, tip, message("e1", "Reverts-Enhancement-Id"), WHEN)
        assert repository.publish(target, back, tip) is None
        assert repository.reverted(target, "e1") == back
        assert repository.reverted(target, "e2") is None


class TestTakingOff:
    def test_a_revert_gives_the_bytes_back(self, repository, target, place):
        tip = landed_change(repository, target, ONE.replace("return 1", "return 10"), "e1")
        head = landed_change(repository, target, "x = 2\n", "e2", path="n.py", before="x = 1\n")
        tree = repository.revert(head, tip).tree
        back = repository.commit(tree, head, message("e1", "Reverts-Enhancement-Id"), WHEN)
        assert repository.publish(target, back, head) is None
        assert git(place, "show", f"{LANDING}:m.py") + "\n" == ONE
        assert git(place, "show", f"{LANDING}:n.py") == "x = 2"

    def test_later_changes_of_the_same_lines_conflict(self, repository, target):
        changed = ONE.replace("return 1", "return 10")
        tip = landed_change(repository, target, changed, "e1")
        head = landed_change(
            repository, target, changed.replace("return 10", "return 11"), "e2", before=changed
        )
        made = repository.revert(head, tip)
        assert made.tree is None
        assert made.conflicts == ("m.py",)


HEADER = "diff --git a/{path} b/{path}\n"
NEW = (
    HEADER
    + "new file mode {mode}\nindex 0000000..1111111\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n"
)


class TestRules:
    @pytest.mark.parametrize(
        ("rule", "text"),
        [
            ("protected-path", NEW.format(path="tests/test_m.py", mode="100644")),
            ("protected-path", NEW.format(path=".github/workflows/ci.yml", mode="100644")),
            ("protected-path", NEW.format(path="groundswell.toml", mode="100644")),
            ("protected-path", NEW.format(path=".gitmodules", mode="100644")),
            ("outside-lease", NEW.format(path="other/o.py", mode="100644")),
            ("not-regular-file", NEW.format(path="src/link", mode="120000")),
            ("not-regular-file", NEW.format(path="src/sub", mode="160000")),
            ("odd-name", NEW.format(path="src/../m.py", mode="100644")),
            ("odd-name", NEW.format(path="src/.git/config", mode="100644")),
            ("mode", HEADER.format(path="src/a.py") + "old mode 100644\nnew mode 100755\n"),
            (
                "rename",
                HEADER.format(path="src/a.py").replace("b/src/a.py", "b/src/b.py")
                + "similarity index 100%\nrename from src/a.py\nrename to src/b.py\n",
            ),
            (
                "binary",
                HEADER.format(path="src/a.py")
                + "index 1111111..2222222 100644\nBinary files a/src/a.py and b/src/a.py differ\n",
            ),
            ("empty", ""),
            ("not-a-patch", "this is no patch at all\x00"),
        ],
    )
    def test_a_broken_rule_is_named(self, repository, rule, text):
        problem = repository.check(
            text,
            ["/src/", "/tests/", ".github/", "groundswell.toml", ".gitmodules"]
            if rule == "protected-path"
            else ["/src/"],
            TargetConfig(),
        )
        assert problem is not None
        if rule in {"empty", "not-a-patch"}:
            assert problem.startswith(("empty", "not-a-patch"))
        elif rule == "mode":
            assert problem.startswith(("mode", "binary"))
        else:
            assert problem.startswith(rule)

    def test_too_many_lines_and_files(self, repository):
        config = TargetConfig.model_validate({"policy": {"max_files": 1, "max_lines": 3}})
        long = patch(None, "x\n" * 4, "src/a.py")
        assert repository.check(long, ["/src/"], config).startswith("too-large")
        two = patch(None, "x\n", "src/a.py") + patch(None, "x\n", "src/b.py")
        assert repository.check(two, ["/src/"], config).startswith("too-large")

    def test_a_plain_patch_keeps_them_all(self, repository):
        assert repository.check(patch("x\n", "y\n", "src/a.py"), ["/src/"], TargetConfig()) is None
