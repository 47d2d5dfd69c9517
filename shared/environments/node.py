"""Node packages: what installs their dependencies, and where Node itself is."""

import os
import shlex
import shutil
from functools import cache
from pathlib import Path

from shared.targets.profile import EnvironmentPlan

INSTALL = "npm install --no-audit --no-fund --no-package-lock"
INSTALL_LOCKED = "npm ci --no-audit --no-fund"


def steps(plan: EnvironmentPlan, folder: Path) -> tuple[str, ...]:
    """The commands that put a package's `node_modules` into a folder, run in the package's tree."""
    if not plan.installs:
        return ()
    locked = any(
        Path(each).name in {"package-lock.json", "npm-shrinkwrap.json"}
        for each in plan.dependency_files
    )
    move = f"[ ! -d node_modules ] || mv node_modules {shlex.quote(str(folder))}/"
    return (INSTALL_LOCKED if locked else INSTALL, move)


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
