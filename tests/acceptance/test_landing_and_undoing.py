"""Changes land where the target says, once approved, and everything landed can be rolled back."""

from dataclasses import replace

from tests.support.repositories import a_repository, checkout_of, git

CODE = (
    "import os\nimport sys\n\n\n"
    "def one(x):\n    if x == None:\n        return 1\n    else:\n        return 2\n"
)
TESTS = "from package import m\n\n\ndef test_one():\n    assert (m.one(None), m.one(0)) == (1, 2)\n"
DIRECT = '[landing]\nmode = "direct"\n'
ASK = '[policy]\napproval = "all"\n'


def a_target(path, **more):
    files = {"package/__init__.py": "", "package/m.py": CODE, "tests/test_m.py": TESTS}
    return a_repository(path, **files, **more)


def tree_of(target, revision):
    return git(target, "rev-parse", f"{revision}^{{tree}}")


def test_a_wave_is_rolled_back_whole_which_restores_the_base(up, tmp_path):
    target = a_target(tmp_path / "target")
    report = up.json("run", str(target))
    assert len(report["landed"]) > 1
    done = up.run("wave", "rollback", report["wave"], "--reason", "not now")
    assert done.returncode == 0, done.stderr
    assert tree_of(target, "groundswell/main") == tree_of(target, "main")
    assert "not now" in git(target, "log", "-1", "--format=%B", "groundswell/main")
    again = up.run("wave", "rollback", report["wave"])
    assert again.returncode == 2
    assert "has no landed change to roll back" in again.stderr


def test_everything_landed_since_a_time_is_rolled_back(up, tmp_path):
    target = a_target(tmp_path / "target")
    assert up.json("run", str(target))["landed"]
    none = up.run("enhancement", "rollback", "--since", "2099-01-01", "--target", str(target))
    assert none.returncode == 1
    assert "nothing of it is landed" in none.stdout
    done = up.run("enhancement", "rollback", "--since", "2020-01-01", "--target", str(target))
    assert done.returncode == 0, done.stdout + done.stderr
    assert tree_of(target, "groundswell/main") == tree_of(target, "main")


CHAINS = """def one(x):
    return [dict(a=1), x == None, set([1])]


def two():
    \'\'\'Not beside the other: git takes neighbouring lines for the same.\'\'\'
    return tuple([1, 2])
"""
CHAINS_TESTS = """from package import m


def test_one():
    assert m.one(1) == [{"a": 1}, False, {1}]


def test_two():
    assert m.two() == (1, 2)
"""
POLICY = '[policy]\nunprotected = "allow"\nallowed_rules = ["E711"]\n'


def test_what_depends_on_a_change_is_listed_and_goes_with_it_only_when_that_is_said(up, tmp_path):
    """Three changes of one line: the later ones are made on what the first one wrote."""
    files = {"package/__init__.py": "", "package/m.py": CHAINS, "tests/test_m.py": CHAINS_TESTS}
    target = a_repository(tmp_path / "target", **files, **{"groundswell.toml": POLICY})
    report = up.json("run", str(target))
    landed = {each["rule"].removeprefix("ruff:"): each["id"] for each in report["landed"]}
    apart = landed.pop("C409")
    assert set(landed) == {"C405", "C408", "E711"}
    first, *later = landed.values()
    tip = git(target, "rev-parse", "groundswell/main")
    refused = up.run("enhancement", "rollback", first)
    assert refused.returncode == 1
    for each in later:
        assert f"groundswell enhancement show {each[-8:]}" in refused.stdout
    assert "--dependents" in refused.stdout
    assert git(target, "rev-parse", "groundswell/main") == tip

    done = up.run("enhancement", "rollback", first, "--dependents")
    assert done.returncode == 0, done.stdout
    assert {state_of(up, each) for each in landed.values()} == {"rolled_back"}
    assert state_of(up, apart) == "applied"
    text = git(target, "show", "groundswell/main:package/m.py")
    assert text == CHAINS.strip().replace("tuple([1, 2])", "(1, 2)")


def state_of(up, enhancement):
    return up.json("enhancement", "show", enhancement)["state"]


def test_where_the_target_wants_it_changes_land_on_the_base_itself(up, tmp_path):
    target = a_target(tmp_path / "target", groundswell_toml=DIRECT)
    base = git(target, "rev-parse", "main")
    report = up.json("run", str(target))
    assert report["landing_branch"] == "main"
    assert git(target, "rev-parse", "main") == report["final_commit"] != base
    assert git(target, "status", "--porcelain") == ""
    assert "import os" not in (target / "package" / "m.py").read_text()
    assert git(target, "branch", "--list", "groundswell/*") == ""
    assert up.run("wave", "rollback", report["wave"]).returncode == 0
    assert tree_of(target, "main") == tree_of(target, base)
    assert (target / "package" / "m.py").read_text() == CODE


def test_nothing_lands_below_changes_of_the_user_s_own(up, tmp_path):
    target = a_target(tmp_path / "target", groundswell_toml=DIRECT)
    (target / "package" / "m.py").write_text(CODE + "# mine\n")
    before = checkout_of(target)
    done = up.run("run", str(target))
    assert done.returncode == 2
    assert "with uncommitted changes" in done.stdout
    assert checkout_of(target) == before


def test_the_policy_counts_as_it_stands_on_the_base_branch(up, tmp_path):
    """A groundswell.toml that somebody put on the landing branch loosens nothing."""
    target = a_target(tmp_path / "target", groundswell_toml=ASK)
    git(target, "checkout", "--quiet", "-b", "groundswell/main")
    (target / "groundswell.toml").write_text('[policy]\napproval = "none"\n')
    git(target, "commit", "--quiet", "--all", "--message", "loosen it")
    git(target, "checkout", "--quiet", "main")
    report = up.json("run", str(target))
    assert report["landed"] == []
    assert report["needs_approval"]


def test_a_change_that_waits_lands_with_a_person_s_word_and_not_without(up, tmp_path):
    target = a_target(tmp_path / "target", groundswell_toml=ASK)
    report = up.json("run", str(target))
    assert report["landed"] == []
    assert "nothing landed" in up.run("wave", "show", report["wave"]).stdout
    one, other, *_ = report["needs_approval"]
    assert "approval of every change" in one["asks"]
    assert git(target, "branch", "--list", "groundswell/main") == ""

    assert up.run("enhancement", "approve", one["id"]).returncode == 2, "a reason is needed"
    approved = up.run("enhancement", "approve", one["id"], "--reason", "I looked at it")
    assert approved.returncode == 0, approved.stdout + approved.stderr
    assert git(target, "rev-list", "--count", "main..groundswell/main") == "1"
    shown = up.run("enhancement", "show", one["id"]).stdout
    assert "I looked at it" in shown

    assert up.run("enhancement", "reject", other["id"], "--reason", "no").returncode == 0
    late = up.run("enhancement", "approve", other["id"], "--reason", "yes after all")
    assert late.returncode == 2
    assert "is rejected" in late.stderr
    again = up.json("run", str(target))
    assert not {each["rule"] for each in again["needs_approval"]} & {
        one.get("rule"),
        other.get("rule"),
    }


def test_a_word_given_after_the_base_moved_is_for_the_base_as_it_is_then(up, tmp_path):
    target = a_target(tmp_path / "target", groundswell_toml=ASK)
    [first, *_] = up.json("run", str(target))["needs_approval"]
    (target / "more.txt").write_text("more\n")
    git(target, "add", "--all")
    git(target, "commit", "--quiet", "--message", "the base goes on")
    approved = up.run("enhancement", "approve", first["id"], "--reason", "fine")
    assert approved.returncode == 0, approved.stdout
    assert git(target, "show", "groundswell/main:more.txt") == "more"


def test_without_a_sandbox_nothing_runs_and_with_permission_nothing_lands_alone(home, tmp_path):
    home = replace(home, more={"GROUNDSWELL_SANDBOX": "rlimits"})
    target = a_target(tmp_path / "target")
    refused = home.run("run", str(target))
    assert refused.returncode == 2
    assert "No sandbox works on this machine" in refused.stdout
    assert "--allow-unsandboxed" in refused.stdout
    report = home.json("run", str(target), "--allow-unsandboxed")
    assert report["landed"] == []
    assert report["needs_approval"]
    assert "isolates little" in report["sandbox"]
    assert git(target, "branch", "--list", "groundswell/main") == ""
