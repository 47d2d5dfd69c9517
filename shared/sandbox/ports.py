"""The port of a sandbox: a command, its limits, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

GIB = 1 << 30
MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """The limits of one command; `wall` and `cpu` are seconds, sizes are bytes.

    `memory`, `processes`, `disk` and `files` limit all its processes together: `disk` each of the
    directories it may write to, `files` the number of entries in those. `memory` also limits the
    private memory of each process; `cpu`, `file_size` and `open_files` limit each process alone.
    `printed` is how much it may print, `output` how much of that is stored, half from the beginning
    and half from the end. `report` is the size up to which a file is read back.
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
    """One command to run in a sandbox.

    `tree` is the working directory; `scratch` is private to the command and has its HOME and
    TMPDIR. It may write to both, and those changes are lost unless `writable` names them.
    `writable` names further paths it may write to, `readable` those it needs beyond the system's
    toolchain. `path` precedes the system's directories on PATH, where a bare `argv[0]` is looked
    up. `env` is all it inherits. `reports` are files below `scratch` and `results` files below
    `tree` to read back. `network` permits it to reach the network, such as a package registry.
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
    """The result of a command. None of its processes is running any more.

    `exit_code` is None where it did not end by itself, and `abort_reason` then tells why in a
    sentence; a negative code is the signal that ended it. `reports` and `results` have those files
    that exist, are regular files and are within their size limit. `cpu_seconds` is what its
    processes used, perhaps without what those used that it left running; None where the tier cannot
    measure it.
    """

    exit_code: int | None
    output: str
    seconds: float
    reports: Mapping[str, bytes] = field(default_factory=dict)
    results: Mapping[str, bytes] = field(default_factory=dict)
    abort_reason: str = ""
    cpu_seconds: float | None = None

    def tail(self, lines: int = 15) -> str:
        """Return the last lines of what it printed."""
        return "\n".join(self.output.rstrip().splitlines()[-lines:])


class Sandbox(Protocol):
    """Runs code of targets in isolation. `tier` is recorded with every test run."""

    @property
    def tier(self) -> str:
        """The letter and name of the tier."""
        ...

    @property
    def isolation(self) -> str:
        """A sentence for people: what this sandbox isolates, and what not."""
        ...

    @property
    def trusted(self) -> bool:
        """True if a change tested in this sandbox may land without a person's approval."""
        ...

    def can_read(self, path: Path) -> bool:
        """Return whether a command can read `path` if it is named as readable."""
        ...

    async def run(self, command: Command) -> Completed:
        """Run `command` to its end; cancelling kills it. No process of it is left after either."""
        ...
