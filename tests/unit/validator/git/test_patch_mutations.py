"""Mutated patches are refused, or applied to regular files only.

There are ten thousand, of which a sample is tried (all of them: `make soak`).
"""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from shared.targets.config import TargetConfig
from shared.targets.paths import is_protected, matches
from tests.support.landing import Yard, a_patch, a_yard
from tests.support.repositories import git

SHARDS = 8
EXAMPLES = int(os.environ.get("GROUNDSWELL_PATCHES", "2000")) // SHARDS
LEASE = ("/src/",)
CONFIG = TargetConfig()
FILES = {
    "src/m.py": "import os\n\n\ndef f():\n    return 1\n",
    "src/crlf.py": "x = 1\r\ny = 2\r\n",
    "src/last.py": "z = 3",
    "src/é.py": "x = 1\n",
    "other/m.py": "x = 1\n",
    "src/test_m.py": "def test():\n    pass\n",
}
SEEDS = [
    a_patch("src/m.py", FILES["src/m.py"], FILES["src/m.py"].replace("1", "2")),
    a_patch("src/crlf.py", FILES["src/crlf.py"], "x = 1\r\ny = 3\r\n"),
    a_patch("src/last.py", "z = 3", "z = 4"),
    a_patch("src/é.py", "x = 1\n", "x = 2\n"),
    a_patch("src/new.py", None, "new = 1\n"),
    a_patch("src/last.py", "z = 3", None),
    a_patch("src/m.py", FILES["src/m.py"], "import os\n")
    + a_patch("src/new/n.py", None, "n = 1\n"),
]
# What an attacker would put in place of something.
WORDS = [
    "100644",
    "100755",
    "120000",
    "160000",
    "100664",
    "000000",
    "/dev/null",
    "a/",
    "b/",
    "../",
    "/etc/passwd",
    ".git/config",
    ".git/hooks/post-commit",
    "src/.GIT/x",
    "GIT~1",
    "src/test_m.py",
    "other/m.py",
    "groundswell.toml",
    "src/nul",
    "src/M.py",
    "SRC/m.py",
    "new file mode 120000",
    "deleted file mode 100644",
    "old mode 100644",
    "new mode 100755",
    "rename from src/m.py",
    "rename to src/n.py",
    "copy from other/m.py",
    "similarity index 100%",
    "GIT binary patch",
    "literal 4",
    "Binary files a/x and b/x differ",
    "@@ -1 +1 @@",
    "@@ -0,0 +1,99999999 @@",
    "@@ -1,2 +18446744073709551615,3 @@",
    "\\ No newline at end of file",
    "--- /dev/null",
    "+++ b/src/../../x",
    "diff --git a/src/m.py b/other/m.py",
    "index 0000000..ffffffff 120000",
    "Subproject commit " + "c" * 40,
    '"src/\\303\\251.py"',
    "\t",
    "\r",
    "\x00",
    "\ud800",
    "e\u0301",
    "\u202e",
]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    lines = draw(st.sampled_from(SEEDS)).split("\n")
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, len(lines) - 1))
        match draw(st.integers(0, 7)):
            case 0:
                lines[place] = draw(st.sampled_from(WORDS))
            case 1:
                lines.insert(place, draw(st.sampled_from(WORDS)))
            case 2:
                del lines[place]
                lines = lines or [""]
            case 3:
                lines.insert(place, lines[draw(st.integers(0, len(lines) - 1))])
            case 4:
                word = draw(st.sampled_from(lines[place].split(" ")))
                new = draw(st.sampled_from(WORDS)) if word else ""
                lines[place] = lines[place].replace(word, new, 1) if word else new
            case 5:
                cut = draw(st.integers(0, len(lines[place])))
                junk = draw(st.text(max_size=4))
                lines[place] = (
                    lines[place][:cut] + junk + lines[place][cut + draw(st.integers(0, 3)) :]
                )
            case 6:
                lines = draw(st.sampled_from(SEEDS)).split("\n") + lines
            case 7:
                lines = lines[:place]
                lines = lines or [draw(st.text(max_size=60))]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def yard(tmp_path_factory: pytest.TempPathFactory) -> Yard:
    yard = a_yard(tmp_path_factory.mktemp("mutations"), **FILES)
    yard.head()
    return yard


def entries(yard: Yard, tree: str) -> dict[str, str]:
    """Mode, kind and id by path."""
    lines = git(yard.mirror.path, "ls-tree", "-r", "-z", tree).split("\0")
    return {line.partition("\t")[2]: line.partition("\t")[0] for line in lines if line}


def around(yard: Yard) -> dict[str, int]:
    """Every file that is there, but git's objects."""
    root = yard.place.parent
    found = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder) / name
            if "objects" not in path.parts:
                found[str(path.relative_to(root))] = path.lstat().st_size
    return found


@pytest.mark.parametrize("shard", range(SHARDS))
def test_no_patch_crashes_writes_outside_or_makes_what_is_no_regular_file(yard: Yard, shard: int):
    head = yard.head()
    before, base = around(yard), entries(yard, head)
    applied: list[str] = []

    @seed(shard)
    @settings(max_examples=EXAMPLES, database=None, suppress_health_check=list(HealthCheck))
    @given(mutated())
    def one(patch: str) -> None:
        if yard.repository.broken_rule(patch, LEASE, CONFIG, head) is not None:
            return
        made = yard.repository.compose(head, [("e", patch)])
        if made.failed:
            assert made.tree == yard.repository.compose(head, []).tree
            return
        applied.append(made.tree)

    one()
    assert applied, "not one of them could be applied: the mutations are too wild to prove anything"
    for tree in set(applied):
        now = entries(yard, tree)
        for path in {path for path in {*base, *now} if base.get(path) != now.get(path)}:
            assert now.get(path, "100644").split()[0] in {"100644", "100755"}, (path, now[path])
            assert matches(path, LEASE), path
            assert not is_protected(path, CONFIG), path
    assert around(yard) == before
