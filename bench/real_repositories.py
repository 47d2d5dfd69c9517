"""Real repositories that agents are let loose on, and what their maintainers would have set.

Each has the `groundswell.toml` of a folder of `bench/overlays`, or else the one for all, and tests
of ours where it has none. Files there end in `.txt`, so that nothing here takes them for its own.
"""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bench.targets import as_repository, download, git

OVERLAYS = Path(__file__).parent / "overlays"
# The same for all: fixes that keep behaviour land, and what landed is not watched.
COMMON_POLICY = OVERLAYS / "groundswell.toml.txt"
# A folder with bare copies of repositories, as `<owner>+<name>/repo`; else they are cloned.
COPIES = "GROUNDSWELL_BENCH_COPIES"
FORGE = "https://github.com"
MAX_WORKFLOWS, WORKFLOWS = 60, "workflows"


@dataclass(frozen=True)
class RealRepository:
    """A repository by the name of its package, or as owner and name, with its licence.

    Of `only`, if given, nothing but this folder is taken, and of that only a sample.
    """

    name: str
    licence: str
    url: str
    source: str = ""
    only: str = ""

    def obtain(self, scratch: Path) -> Path:
        """Return it as a new Git repository of one commit below `scratch`, with its overlay."""
        path = self._fetch(scratch) if self.source else download(self.name, scratch)
        overlay = OVERLAYS / self.name
        for each in sorted(overlay.rglob("*.txt")):
            into = path / each.relative_to(overlay).with_suffix("")
            into.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(each, into)
        own = overlay / COMMON_POLICY.name
        return with_policy(path, own if own.exists() else COMMON_POLICY)

    def _fetch(self, scratch: Path) -> Path:
        """Return the head of a public repository, as a repository without its history."""
        into = scratch / self.name
        into.mkdir(parents=True)
        copy = Path(os.environ.get(COPIES, "/nonexistent")) / self.source.replace("/", "+") / "repo"
        if not copy.is_dir():
            copy = scratch / f"{self.name}.git"
            url = f"{FORGE}/{self.source}"
            subprocess.run(["git", "clone", "-q", "--bare", "--depth=1", url, copy], check=True)
        names = git(copy, "ls-tree", "-r", "-z", "--name-only", "HEAD").split("\0")
        paths = [self.only, "LICENSE"] if self.only else ["."]
        archive = subprocess.run(
            [
                "git",
                "-C",
                copy,
                "archive",
                "HEAD",
                *(p for p in paths if p == "." or _has(names, p)),
            ],
            capture_output=True,
            check=True,
        )
        subprocess.run(["tar", "-x", "-C", into], input=archive.stdout, check=True)
        if self.only:
            _keep_sample(into / self.only)
        return as_repository(into)


def with_policy(path: Path, policy: Path) -> Path:
    """Commit all files of a repository and, as its `groundswell.toml`, a copy of `policy`."""
    shutil.copy(policy, path / "groundswell.toml")
    git(path, "add", "-A")
    git(path, "commit", "-qm", "what the maintainers set")
    return path


def _has(names: list[str], path: str) -> bool:
    """Return whether a path is among the names of files, or a folder of one."""
    return any(each == path or each.startswith(f"{path}/") for each in names)


def _keep_sample(folder: Path) -> None:
    """Keep `MAX_WORKFLOWS` of the files in a folder, evenly spread over their order."""
    files = sorted(each for each in folder.rglob("*.json"))
    step = max(len(files) // MAX_WORKFLOWS, 1)
    kept = set(files[::step][:MAX_WORKFLOWS])
    for each in files:
        if each not in kept:
            each.unlink()


REPOSITORIES = (
    RealRepository(
        "n8n-workflows",
        "MIT",
        "https://github.com/Zie619/n8n-workflows",
        "Zie619/n8n-workflows",
        WORKFLOWS,
    ),
    RealRepository("schema", "MIT", "https://github.com/keleshev/schema"),
    RealRepository("tabulate", "MIT", "https://github.com/astanin/python-tabulate"),
    RealRepository(
        "vuln-flask-web-app",
        "MIT",
        "https://github.com/guiadeappsec/vuln-flask-web-app",
        "guiadeappsec/vuln-flask-web-app",
    ),
    RealRepository("agate", "MIT", "https://github.com/wireservice/agate"),
    RealRepository(
        "pygoat", "MIT", "https://github.com/adeyosemanputra/pygoat", "adeyosemanputra/pygoat"
    ),
    RealRepository("boltons", "BSD-3-Clause", "https://github.com/mahmoud/boltons"),
    RealRepository("more-itertools", "MIT", "https://github.com/more-itertools/more-itertools"),
)
