"""Git repositories to measure: source archives from the package index, and the bundled example."""

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).parent.parent / "examples" / "shop"
# The components that catalogue and pricing do not use, and their tests.
_OTHERS = ("orders", "reports", "customers", "shipping", "stock", "loyalty", "mail", "payments")
OTHER_HALF = (*_OTHERS, "site", *(f"test_{each}.py" for each in (*_OTHERS, "site")), "workflows")

SMALL_MODULE = """import os


def sign(number):
    if number < 0:
        return -1
    else:
        return 1
"""
SMALL_TEST = """from sign import sign


def test_sign():
    assert (sign(-2), sign(2)) == (-1, 1)
"""


def download(name: str, scratch: Path) -> Path:
    """Download the source archive of a package; return it as a repository below `scratch`."""
    into = scratch / name
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:"]
    subprocess.run([*pip, "-d", str(into), name], check=True)
    with tarfile.open(next(into.glob("*.tar.gz"))) as archive:
        # Since Python 3.11.4 this filter rejects members outside the directory.
        options: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(into, **options)  # noqa: S202 - archives of packages that are named here
    return as_repository(next(each for each in into.iterdir() if each.is_dir()))


def copy_example(scratch: Path, *, half: bool = False) -> Path:
    """Copy the bundled example, or half of it; return it as a new repository below `scratch`."""
    return as_repository(copy_files_of_example(scratch / "shop", half=half))


def copy_files_of_example(into: Path, *, half: bool = False) -> Path:
    """Copy the files of the bundled example, or of two of its components, to a new folder."""
    left_out = OTHER_HALF if half else ()
    shutil.copytree(EXAMPLE, into, ignore=shutil.ignore_patterns("__pycache__", *left_out))
    return into


def write_small_target(scratch: Path) -> Path:
    """Write a package with two findings; return it as a new repository below `scratch`."""
    into = scratch / "small"
    (into / "tests").mkdir(parents=True)
    (into / "sign.py").write_text(SMALL_MODULE)
    (into / "tests" / "test_sign.py").write_text(SMALL_TEST)
    return as_repository(into)


def as_repository(path: Path) -> Path:
    """Make a directory a Git repository of one commit on `main`, and return its path."""
    for command in (("init", "-q", "-b", "main"), ("add", "-A"), ("commit", "-qm", "import")):
        git(path, *command)
    return path


def git(path: Path, *arguments: str) -> str:
    """Run git in a repository and return its output, stripped. Raises CalledProcessError."""
    identity = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
    done = subprocess.run(
        ["git", "-C", str(path), *identity, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()
