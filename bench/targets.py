"""Repositories to measure on: source archives from the package index, and the bundled example."""

import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

EXAMPLE = Path(__file__).parent.parent / "examples" / "shop"


def download(name: str, scratch: Path) -> Path:
    """The newest source archive of `name`, unpacked and made a repository of one commit."""
    into = scratch / name
    pip = [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:"]
    subprocess.run([*pip, "-d", str(into), name], check=True)
    with tarfile.open(next(into.glob("*.tar.gz"))) as archive:
        # Python 3.11.4 learned to refuse what leads out of the directory.
        options: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(into, **options)  # noqa: S202 - archives of packages that are named here
    return as_repository(next(each for each in into.iterdir() if each.is_dir()))


def copy_example(scratch: Path) -> Path:
    """The bundled example as a repository."""
    into = scratch / "shop"
    subprocess.run(["cp", "-r", str(EXAMPLE), str(into)], check=True)
    return as_repository(into)


def as_repository(path: Path) -> Path:
    """`git init` and one commit."""
    git = ["git", "-C", str(path), "-c", "user.name=bench", "-c", "user.email=bench@localhost"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "import"]):
        subprocess.run([*git, *command], check=True)
    return path
