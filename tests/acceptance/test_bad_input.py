"""Wrong input is a clear sentence and the right exit code; nothing is left half done."""

from pathlib import Path

import pytest

from tests.support.repositories import a_repository, git
from tests.support.stack import Home

CODE = "import os\n\n\ndef one():\n    return 1\n"
TESTS = "import m\n\n\ndef test_one():\n    assert m.one() == 1\n"


@pytest.fixture
def target(tmp_path):
    return a_repository(tmp_path / "target", m_py=CODE, tests__test_m_py=TESTS)


def refused(done, *parts, code=2):
    assert done.returncode == code, done.stdout + done.stderr
    said = done.stdout + done.stderr
    for part in parts:
        assert part in said
    assert "Traceback" not in said


@pytest.mark.parametrize("command", ["run", "init"])
def test_a_path_that_is_not_there(home, tmp_path, command):
    refused(home.run(command, str(tmp_path / "nowhere")), "does not exist")


def test_a_directory_that_is_no_repository(home, tmp_path):
    refused(home.run("run", str(tmp_path)), "is not a git repository", "git init")


def test_a_repository_without_commits(home, tmp_path):
    git(tmp_path, "init")
    refused(home.run("run", str(tmp_path)), "has no commits", "git commit")


def test_a_directory_inside_a_repository(home, target):
    refused(home.run("run", str(target / "tests")), "is inside the repository", str(target))


def test_an_unknown_focus(home, target):
    done = home.run("run", str(target), "--focus", "code_qualty")
    refused(done, "Did you mean code_quality?", "Known: ", ", all.")


def test_an_unknown_base(home, target):
    refused(home.run("run", str(target), "--base", "nope"), "no branch nope", "main")


def test_nothing_is_started_for_wrong_input(home, tmp_path):
    home.run("run", str(tmp_path / "nowhere"))
    assert not home.path.exists()


def test_a_focus_that_is_not_registered(up, target):
    done = up.run("run", str(target), "--focus", "gardening")
    refused(done, "There is no agent type gardening", "code_quality")


def test_an_unknown_component(up, target):
    done = up.run("run", str(target), "--components", "n")
    refused(done, "no component n", "Known components: m")


def test_a_wrong_key_in_groundswell_toml(up, tmp_path):
    files = {"groundswell_toml": "[tests]\n", "m_py": CODE}
    target = a_repository(tmp_path / "target", **files)
    refused(up.run("run", str(target)), "tests is not a known key", "did you mean test?")


def test_the_landing_branch_checked_out(up, target):
    git(target, "switch", "--quiet", "--create", "groundswell/main")
    refused(up.run("run", str(target)), "is checked out", "switch main")
    assert git(target, "rev-parse", "groundswell/main") == git(target, "rev-parse", "main")


def test_the_landing_branch_checked_out_elsewhere_does_not_matter_where_nothing_lands(up, target):
    assert len(up.json("run", str(target))["landed"]) == 1
    git(target, "worktree", "add", "--quiet", str(target.parent / "there"), "groundswell/main")
    assert up.json("run", str(target))["landed"] == []


def test_a_target_without_tests(up, tmp_path):
    target = a_repository(tmp_path / "target", m_py=CODE)
    done = up.run("run", str(target))
    refused(done, "No tests were found", "[test] command", "nothing landed", code=1)
    assert git(target, "branch", "--list", "groundswell/*") == ""


def test_nothing_to_do_is_no_failure_even_without_tests(up, tmp_path):
    target = a_repository(tmp_path / "target", readme_md="hello\n")
    for _ in range(3):
        refused(up.run("run", str(target)), "there is nothing to do", code=0)


def test_a_setup_command_that_fails(up, tmp_path):
    setup = '[environment]\nsetup = ["echo reason is here; exit 3"]\n'
    target = a_repository(
        tmp_path / "target", m_py=CODE, tests__test_m_py=TESTS, groundswell_toml=setup
    )
    done = up.run("run", str(target))
    refused(done, "reason is here", "exit code 3", "Try it by hand", "exit 3", code=1)
    # What failed was the set-up: once it is repaired the same findings are taken up.
    (target / "groundswell.toml").unlink()
    git(target, "commit", "--all", "--quiet", "--message", "no set-up")
    report = up.json("run", str(target))
    assert [each["rule"] for each in report["landed"]] == ["ruff:F401"]


def test_tests_that_fail_on_the_base_are_the_baseline(up, tmp_path):
    tests = f"{TESTS}\n\ndef test_never():\n    assert m.one() == 2\n"
    target = a_repository(tmp_path / "target", m_py=CODE, tests__test_m_py=tests)
    done = up.run("run", str(target))
    refused(done, "1 failing", "no change is blamed", "test_never", "1 landed", code=0)


def test_a_base_on_which_no_test_passes(up, tmp_path):
    tests = "def test_never():\n    assert False\n"
    target = a_repository(tmp_path / "target", m_py=CODE, tests__test_m_py=tests)
    refused(up.run("run", str(target)), "None of the 1 tests passes", code=1)


def test_a_dirty_work_tree_is_named_and_left_alone(up, target):
    (target / "m.py").write_text(CODE + "# not committed\n")
    (target / "new.txt").write_text("new")
    before = git(target, "status", "--porcelain")
    done = up.run("run", str(target))
    refused(done, "uncommitted changes", git(target, "rev-parse", "HEAD")[:10], code=0)
    assert git(target, "status", "--porcelain") == before
    assert (target / "m.py").read_text().endswith("# not committed\n")


def test_a_detached_head_has_a_branch_of_its_own(up, target):
    git(target, "switch", "--quiet", "--detach")
    head = git(target, "rev-parse", "HEAD")
    refused(up.run("run", str(target)), "HEAD is detached", code=0)
    assert git(target, "rev-parse", f"groundswell/{head[:10]}~1") == head


def test_a_dry_run_tries_and_lands_nothing(up, target):
    report = up.json("run", str(target), "--dry-run")
    assert [each["rule"] for each in report["not_tried"]] == ["ruff:F401"]
    assert report["landed"] == []
    assert report["runs"] == []
    assert git(target, "branch", "--list", "groundswell/*") == ""


def test_ids_that_mean_nothing(up):
    refused(up.run("enhancement", "show", "zzz"), "is not a valid enhancement id")
    refused(up.run("enhancement", "rollback", "01234567"), "no enhancement 01234567")
    refused(up.run("wave", "stop", "01234567"), "no wave 01234567")
    refused(up.run("wave", "show", "01234567"), "no wave 01234567")


def test_a_second_stack_in_the_same_home(up):
    refused(up.run("up", "--port", "0"), "A stack is running", "GROUNDSWELL_HOME")


def test_a_wave_command_without_a_stack(home, target):
    refused(home.run("wave", "start", str(target)), "No stack is up", "groundswell up")


def test_a_home_that_cannot_be_written(target):
    refused(Home(Path("/proc/groundswell")).run("run", str(target)), "GROUNDSWELL_HOME")
