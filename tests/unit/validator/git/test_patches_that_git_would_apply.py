"""Each rule refuses a patch that `git apply` itself would take."""

import subprocess

import pytest

from shared.targets.config import PolicySection, TargetConfig
from tests.support.landing import Yard, a_patch, a_yard

CONTENT = "x = 1\n"
TIGHT = TargetConfig(policy=PolicySection(max_files=2, max_lines=10, max_bytes=2000))


def added(path: str, mode: str = "100644", text: str = "evil\n") -> str:
    lines = text.splitlines()
    return (
        f"diff --git a/{path} b/{path}\nnew file mode {mode}\nindex 0000000..e69de29\n"
        f"--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{len(lines)} @@\n"
        + "".join(f"+{each}\n" for each in lines)
    )


GITLINK = (
    "diff --git a/sub b/sub\nnew file mode 160000\nindex 0000000..1234567\n"
    "--- /dev/null\n+++ b/sub\n"
    "@@ -0,0 +1 @@\n+Subproject commit 1234567890123456789012345678901234567890\n"
)
MODE = "diff --git a/src/m.py b/src/m.py\nold mode 100644\nnew mode 100755\n"
RENAME = (
    "diff --git a/src/m.py b/src/n.py\nsimilarity index 100%\n"
    "rename from src/m.py\nrename to src/n.py\n"
)
BINARY = (
    "diff --git a/src/b.bin b/src/b.bin\nnew file mode 100644\n"
    "index 0000000000000000000000000000000000000000..eaf36c1daccfdf325514461cd1a2ffbc139b5464\n"
    "GIT binary patch\nliteral 4\nLcmZQzWMT#Y01f~L\n\nliteral 0\nHcmV?d00001\n\n"
)
REFUSED = {
    "outside-lease": a_patch("other/m.py", CONTENT, "x = 2\n"),
    "protected-path (tests)": a_patch("src/test_m.py", CONTENT, "x = 2\n"),
    "protected-path (CI)": added("src/.github/workflows/ci.yml"),
    "protected-path (lock file)": added("src/uv.lock"),
    "protected-path (gate)": added("groundswell.toml"),
    "protected-path (git)": added("src/.gitmodules"),
    "protected-path (test configuration)": added("src/conftest.py"),
    "link": added("src/link", "120000", "/etc/passwd"),
    "gitlink": GITLINK.replace("a/sub b/sub", "a/src/sub b/src/sub").replace(
        "b/sub\n@@", "b/src/sub\n@@"
    ),
    "not-regular-file": added("src/odd.py", "100664"),
    "twice": a_patch("src/m.py", CONTENT, "x = 2\n") + a_patch("src/m.py", "x = 2\n", "x = 3\n"),
    "mode": MODE,
    "rename": RENAME,
    "odd-name": added("src/nul"),
    "case-twin": added("src/M.py"),
    "case-twin (directory)": added("SRC/more.py"),
    "binary": BINARY,
    "too-large (lines)": a_patch("src/new.py", None, "x\n" * 11),
    "too-large (files)": "".join(a_patch(f"src/{n}.py", None, "x\n") for n in range(3)),
    "too-large (bytes)": a_patch("src/new.py", None, "x" * 3000 + "\n"),
}


@pytest.fixture
def yard(tmp_path) -> Yard:
    files = ("src/m.py", "src/test_m.py", "other/m.py")
    return a_yard(tmp_path, **dict.fromkeys(files, CONTENT))


@pytest.mark.parametrize("rule", REFUSED)
def test_what_git_would_apply_is_refused_by_name(yard, rule):
    patch = REFUSED[rule]
    done = subprocess.run(
        ["git", "-C", str(yard.place), "apply", "--check", "-"],
        input=patch.encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    leased = ["/src/", "/SRC/", "/groundswell.toml"]
    said = yard.repository.broken_rule(patch, leased, TIGHT, yard.head())
    assert said is not None
    assert said.startswith(f"{rule.partition(' ')[0]}: "), said


def test_a_policy_may_ask_a_person_about_protected_paths(yard):
    config = TargetConfig(policy=PolicySection(protected_paths="ask"))
    patch = REFUSED["protected-path (tests)"]
    assert yard.repository.broken_rule(patch, ["/src/"], config, yard.head()) is None


def test_twins_that_were_there_before_are_nobody_s_fault(tmp_path):
    yard = a_yard(tmp_path, **{"src/a.py": CONTENT, "src/A.py": CONTENT})
    patch = added("src/b.py")
    assert yard.repository.broken_rule(patch, ["/src/"], TargetConfig(), yard.head()) is None
    change = a_patch("src/A.py", CONTENT, "x = 2\n")
    assert yard.repository.broken_rule(change, ["/src/"], TargetConfig(), yard.head()) is None


@pytest.mark.parametrize(
    ("one", "other"), [("é.py", "e\u0301.py"), ("ﬁ.py", "fi.py"), ("ß.py", "SS.py")]
)
def test_twins_by_code_points(tmp_path, one, other):
    yard = a_yard(tmp_path, **{one: CONTENT})
    said = yard.repository.broken_rule(added(other), ["*.py"], TargetConfig(), yard.head())
    assert said is not None
    assert said.startswith("case-twin: ")
