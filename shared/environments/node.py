"""Node packages: what installs their dependencies, and where Node itself is."""

import os
import shlex
import shutil
from functools import cache
from pathlib import Path

from shared.targets.profile import EnvironmentPlan

LOCKS = {"package-lock.json", "npm-shrinkwrap.json"}
INSTALL = "npm install --no-audit --no-fund --no-package-lock"
INSTALL_LOCKED = "npm ci --no-audit --no-fund"


def is_locked(plan: EnvironmentPlan) -> bool:
    """Whether the package says which versions npm is to install."""
    return any(Path(each).name in LOCKS for each in plan.dependency_files)


def keep(folder: Path) -> str:
    """The command that puts a package's `node_modules` into a folder, run in the package's tree."""
    return f"[ ! -d node_modules ] || mv node_modules {shlex.quote(str(folder))}/"


def reason(output: str) -> str:
    """The first sentence of npm's own about why it failed; it prints its manual after that."""
    lines = (
        each.removeprefix("npm error").removeprefix("npm ERR!").strip()
        for each in output.splitlines()
        if each.startswith(("npm error", "npm ERR!"))
    )
    return next((each for each in lines if " " in each and not each.startswith("code ")), "")


@cache
def path() -> tuple[Path, ...]:
    """The directory of `node`, where the system's directories have none."""
    found = shutil.which("node")
    if found is None or Path(found).parent in {Path("/usr/bin"), Path("/usr/local/bin")}:
        return ()
    return (Path(found).parent,)


@cache
def needs() -> tuple[Path, ...]:
    """What running it takes beyond the system's directories."""
    return tuple(
        root
        for each in path()
        for root in dict.fromkeys(
            (each.parent, Path(os.path.realpath(each / "node")).parent.parent)
        )
    )
