"""Repositories to improve, made on the spot."""

import subprocess
from pathlib import Path

from bench.targets import copy_files_of_example

WHO = (
    *("-c", "user.name=Someone", "-c", "user.email=someone@localhost"),
    *("-c", "safe.directory=*"),
)


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


def checkout_of(repository: Path) -> tuple[str, str, bytes, str]:
    """What a run must leave as it is: status, HEAD, the index' bytes, the base branch."""
    return (
        git(repository, "--no-optional-locks", "status", "--porcelain"),
        (repository / ".git" / "HEAD").read_text(),
        (repository / ".git" / "index").read_bytes(),
        git(repository, "rev-parse", "main"),
    )
