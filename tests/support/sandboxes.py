"""Sandboxes of every tier, for tests; a tier that this machine lacks skips the test and says why."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path

import psutil
import pytest

from shared.kernel.ids import uuid7
from shared.sandbox import configuration
from shared.sandbox.choice import TIERS, examine
from shared.sandbox.job import MARKER
from shared.sandbox.launched import LaunchedSandbox
from shared.sandbox.probe import reachable_python
from shared.sandbox.scratch import Scratch, remove_tree


@contextmanager
def a_home() -> Iterator[Path]:
    """A directory that anybody may go through, as pytest's own are closed to all but their owner."""
    home = Path(tempfile.mkdtemp(prefix="gs-"))
    home.chmod(0o755)
    try:
        yield home
    finally:
        remove_tree(home)


@asynccontextmanager
async def a_sandbox(module: str, home: Path) -> AsyncIterator[LaunchedSandbox]:
    """The sandbox of a tier, whether it holds here or not."""
    tier = TIERS[module]
    etc = configuration.assemble(home / "sandbox")
    sandbox = LaunchedSandbox(etc, module, tier.label, tier.isolation, trusted=tier.trusted)
    try:
        yield sandbox
    finally:
        await sandbox.close()


@cache
def fault_of(module: str) -> str:
    """Why this machine lacks a tier; empty where it has it."""

    async def ask() -> str:
        with a_home() as home:
            scratch = Scratch(home / "runs", uuid7)
            async with a_sandbox(module, home) as sandbox:
                return await examine(sandbox, module, scratch, unsandboxed=True)

    # In a thread, as whoever asks may be in a loop already.
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(lambda: asyncio.run(ask())).result()


def the_best() -> str:
    """The strongest tier that this machine has, by name."""
    return next(each for each in TIERS if not fault_of(each))


def need(module: str) -> None:
    """Skip where this machine lacks the tier."""
    if fault := fault_of(module):
        pytest.skip(f"this machine has no tier {TIERS[module].label}: {fault}")


def a_python(sandbox: LaunchedSandbox) -> Path:
    """A Python that runs in that sandbox."""
    found = reachable_python(sandbox)
    if found is None:
        pytest.skip("no Python here can be read by an unprivileged user")
    return found


def processes_of(scratch: Path, mark: str = "") -> list[int]:
    """What runs with that scratch directory in its environment, or the mark among its arguments."""
    found = []
    for process in psutil.process_iter():
        try:
            mine = process.environ().get(MARKER) == str(scratch)
            if (mine or (mark and mark in process.cmdline())) and process.status() != "zombie":
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


def is_root() -> bool:
    return os.geteuid() == 0


def has(program: str) -> bool:
    return shutil.which(program) is not None
