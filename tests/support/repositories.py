"""Repositories to improve, made on the spot."""

import subprocess
from pathlib import Path

from bench.targets import copy_files_of_example

WHO = (
    *("-c", "user.name=Someone", "-c", "user.email=someone@localhost"),
    *("-c", "safe.directory=*"),
)


# Nobody is there to approve anything, and here every change is to land.
LAND_ALL = """unprotected = "allow"
allowed_rules = [
    "B006", "C403", "C417", "E711", "F401", "FURB129", "FURB192", "SIM118", "UP031", "UP032",
]
"""


TRAP = {
    **{f"{package}/__init__.py": "" for package in ("one", "two", "three")},
    "one/a.py": "import os\n\n\ndef a():\n    x = None\n    return x == None\n",
    "one/b.py": "import os\n\n\n"
    "def b(n):\n    if n:\n        return 1\n    else:\n        return 2\n",
    "two/c.py": "import json\n\n\ndef c(n):\n    value = n + 1\n    return value\n",
    "two/d.py": "class D(object):\n    def d(self):\n        return dict()\n",
    "three/rules.py": "RULES = []\n\n\ndef rule(f):\n    RULES.append(f)\n    return f\n",
    "three/seasonal.py": "from three.rules import rule\n\n\n@rule\ndef half():\n    return 0.5\n",
    "three/prices.py": "from three import seasonal\nfrom three.rules import RULES\n\n\n"
    "def best(n):\n    return min(n * rule() for rule in RULES)\n",
    "tests/test_all.py": "from one import a, b\nfrom three.prices import best\n"
    "from two import c, d\n\n\ndef test_all():\n    assert a.a()\n"
    "    assert (b.b(1), b.b(0), c.c(1)) == (1, 2, 2)\n    assert d.D().d() == {}\n\n\n"
    "def test_best():\n    assert best(2) == 1\n",
}


def git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(repository), *WHO, *arguments], capture_output=True, check=True
    )
    return done.stdout.decode(errors="surrogateescape").strip()


def a_repository(path: Path, **files: str) -> Path:
    """One commit with these files; `a__b_py` is `a/b.py`, and what has a dot is itself."""
    path.mkdir(parents=True)
    git(path, "init", "--quiet", "--initial-branch=main")
    commit(path, {name(each): text for each, text in files.items()})
    return path


def name(key: str) -> str:
    if "." in key:
        return key
    path = key.replace("__", "/")
    for ending in ("py", "toml", "txt", "md"):
        if path.endswith(f"_{ending}"):
            return f"{path[: -len(ending) - 1]}.{ending}"
    return path


def commit(repository: Path, files: dict[str, str], message: str = "a commit") -> str:
    for path, text in files.items():
        (repository / path).parent.mkdir(parents=True, exist_ok=True)
        (repository / path).write_text(text)
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(repository, "rev-parse", "HEAD")


def the_shop(path: Path, *, policy: str = "", half: bool = False) -> Path:
    """The bundled example, or half of it, perhaps with a policy."""
    copy_files_of_example(path, half=half)
    if policy:
        (path / "groundswell.toml").write_text(f"[policy]\n{policy}\n")
    git(path, "init", "--quiet", "--initial-branch=main")
    git(path, "add", "--all")
    git(path, "commit", "--quiet", "--message", "the shop")
    return path


def a_trap(path: Path) -> Path:
    """Three small packages: seven changes land, and an import that seems unused is needed."""
    return a_repository(path, **TRAP, **{"groundswell.toml": f"[policy]\n{LAND_ALL}"})


def checkout_of(repository: Path) -> tuple[str, str, bytes, str]:
    """What a run must leave as it is: status, HEAD, the index' bytes, the base branch."""
    return (
        git(repository, "--no-optional-locks", "status", "--porcelain"),
        (repository / ".git" / "HEAD").read_text(),
        (repository / ".git" / "index").read_bytes(),
        git(repository, "rev-parse", "main"),
    )
