"""Node packages: the commands that install their dependencies, and the location of Node."""

import os
import shlex
import shutil
from functools import cache
from pathlib import Path

from shared.targets.profile import EnvironmentPlan

LOCK_FILES = {"package-lock.json", "npm-shrinkwrap.json"}
INSTALL = "npm install --no-audit --no-fund --no-package-lock"
INSTALL_LOCKED = "npm ci --no-audit --no-fund"


def is_locked(plan: EnvironmentPlan) -> bool:
    """Return whether the package has a lock file of npm."""
    return any(Path(each).name in LOCK_FILES for each in plan.dependency_files)


def move_command(folder: Path) -> str:
    """Return the command, run in the package's tree, that moves its `node_modules` to `folder`."""
    return f"[ ! -d node_modules ] || mv node_modules {shlex.quote(str(folder))}/"


def failure_reason(output: str) -> str:
    """Return the first sentence in which npm's output tells why it failed; empty without one."""
    lines = (
        each.removeprefix("npm error").removeprefix("npm ERR!").strip()
        for each in output.splitlines()
        if each.startswith(("npm error", "npm ERR!"))
    )
    return next((each for each in lines if " " in each and not each.startswith("code ")), "")


@cache
def search_path() -> tuple[Path, ...]:
    """Return the directory of `node`, unless it is one of the system's."""
    found = shutil.which("node")
    if found is None or Path(found).parent in {Path("/usr/bin"), Path("/usr/local/bin")}:
        return ()
    return (Path(found).parent,)


@cache
def required_directories() -> tuple[Path, ...]:
    """Return the directories that running Node requires beyond the system's."""
    return tuple(
        root
        for each in search_path()
        for root in dict.fromkeys(
            (each.parent, Path(os.path.realpath(each / "node")).parent.parent)
        )
    )
