"""What is run in a sandbox, within which limits, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

GIB = 1 << 30
MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What one command may use. Times in seconds, sizes in bytes.

    `memory`, `processes`, `disk` and `files` hold for all its processes together: `disk` for each
    directory it may write to, `files` for the entries in them. `memory` also holds for the private
    memory of each process, `cpu`, `file_size` and `open_files` for each alone. `printed` is how
    much it may print, `output` how much of that is kept, half of it from the beginning and half from the end.
    """

    wall: float = 600.0
    cpu: float = 3600.0
    memory: int = 4 * GIB
    processes: int = 512
    disk: int = 2 * GIB
    files: int = 200_000
    file_size: int = 1 * GIB
    open_files: int = 4096
    printed: int = 256 * MIB
    output: int = 256 * 1024
    report: int = 64 * MIB


@dataclass(frozen=True)
class Command:
    """One thing to run in a sandbox.

    `tree` is the working directory; `scratch` is private to the command and holds its HOME and
    TMPDIR. It may write to both; what becomes of that is lost, unless `writable` has them. `writable`
    names what else it may write to, `readable` what it needs beyond the system's toolchain. `path`
    comes before the system's directories on PATH, and a bare `argv[0]` is looked up there. `env` is all
    it inherits. `reports` are files below `scratch`, `results` files below `tree` to be read back.
    `network` says whether it has to reach a package registry.
    """

    argv: tuple[str, ...]
    tree: Path
    scratch: Path
    path: tuple[Path, ...] = ()
    readable: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    reports: tuple[str, ...] = ()
    results: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)
    network: bool = False


@dataclass(frozen=True)
class Completed:
    """How a command ended. Nothing of it is running any more.

    `exit_code` is None where it did not end by itself, and `abort_reason` then says why in a sentence;
    a negative code is the signal that ended it. `reports` and `results` have the files that were
    there, were regular files and were within their limit. `cpu_seconds` is what its processes used of
    processors, perhaps without what those used that it left running; None where the tier cannot know.
    """

    exit_code: int | None
    output: str
    seconds: float
    reports: Mapping[str, bytes] = field(default_factory=dict)
    results: Mapping[str, bytes] = field(default_factory=dict)
    abort_reason: str = ""
    cpu_seconds: float | None = None

    def tail(self, lines: int = 15) -> str:
        """The last lines of what it printed."""
        return "\n".join(self.output.rstrip().splitlines()[-lines:])


class Sandbox(Protocol):
    """Where a target's code runs. `tier` is recorded with every verdict."""

    @property
    def tier(self) -> str:
        """The tier's letter and name."""
        ...

    @property
    def isolation(self) -> str:
        """One sentence for people: what this sandbox holds, and what it does not."""
        ...

    @property
    def trusted(self) -> bool:
        """Whether what it judged may land without a person."""
        ...

    def can_read(self, path: Path) -> bool:
        """Whether a command could read that path if it were named as readable."""
        ...

    async def run(self, command: Command) -> Completed:
        """Run it to its end; cancelling kills it. After either, no process of it is left."""
        ...
