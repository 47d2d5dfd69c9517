"""Hostile code in a sandbox, once for each tier that this machine supports.

The host has files and secrets that the code must not reach.
"""

import asyncio
import textwrap
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from shared.kernel.ids import uuid7
from shared.sandbox.ports import MIB, Command, Completed, Limits
from shared.sandbox.supervised import SupervisedSandbox
from tests.support.sandboxes import a_home, a_python, a_sandbox, need, processes_of

TIGHT = Limits(
    wall=20,
    memory=256 * MIB,
    processes=64,
    disk=32 * MIB,
    files=4000,
    file_size=16 * MIB,
    printed=8 * MIB,
)


@dataclass(frozen=True)
class Attacker:
    """Runs a program in the sandbox and looks afterwards whether anything is left of it."""

    sandbox: SupervisedSandbox
    room: Path
    python: Path
    mark: str

    @property
    def canary(self) -> Path:
        """A file of the host beside the room, writable by anybody."""
        return self.room.parent / "canary"

    def command(self, code: str, *arguments: object, limits: Limits = TIGHT) -> Command:
        argv = (
            str(self.python),
            "-I",
            "-c",
            textwrap.dedent(code),
            *map(str, arguments),
            self.mark,
        )
        return Command(
            argv=argv,
            tree=self.room / "tree",
            scratch=self.room / "run",
            readable=(self.python.parent.parent,),
            limits=limits,
        )

    async def run(
        self, code: str, *arguments: object, reports: tuple[str, ...] = (), limits: Limits = TIGHT
    ) -> Completed:
        """Run it; 50 ms after its end nothing of it may be there."""
        command = replace(self.command(code, *arguments, limits=limits), reports=reports)
        completed = await self.sandbox.run(command)
        await asyncio.sleep(0.05)
        assert processes_of(command.scratch, self.mark) == []
        assert self.canary.read_text() == "alive"
        assert sorted(each.name for each in self.room.parent.iterdir()) == ["canary", "room"]
        return completed


@pytest.fixture(params=["bubblewrap", "docker", "landlock"])
def tier(request: pytest.FixtureRequest) -> str:
    """A tier that is trusted to judge; skipped where this machine lacks it."""
    need(request.param)
    return str(request.param)


@pytest.fixture
def home() -> Iterator[Path]:
    with a_home() as home:
        (home / "canary").write_text("alive")
        (home / "canary").chmod(0o666)
        yield home


@pytest.fixture
async def attacker(tier: str, home: Path) -> AsyncIterator[Attacker]:
    for name in ("tree", "run"):
        (home / "room" / name).mkdir(parents=True)
    async with a_sandbox(tier) as sandbox:
        yield Attacker(sandbox, home / "room", a_python(sandbox), uuid7())
