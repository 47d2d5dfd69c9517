"""What the validator's use cases and adapters need from the world."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from services.validator.domain.reports import RunOutcome
from shared.contracts.base import Message
from shared.contracts.documents import Target
from shared.targets.config import TargetConfig
from shared.targets.head import Head
from shared.targets.profile import TargetProfile
from shared.targets.tree import Tree

GIB = 1 << 30
MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What one command may use. Times in seconds, sizes in bytes.

    `cpu`, `memory` (address space), `file_size` and `open_files` hold per process; `wall` and
    `output` for the whole command. `output` is how much of what it printed is kept, half of it
    from the beginning and half from the end.
    """

    wall: float = 600.0
    cpu: float = 3600.0
    memory: int = 16 * GIB
    file_size: int = 2 * GIB
    open_files: int = 4096
    output: int = 256 * 1024
    report: int = 64 * MIB


@dataclass(frozen=True)
class Command:
    """One thing to run in a sandbox.

    `tree` is the working directory; `scratch` is private to the command and holds its HOME and
    TMPDIR. Both may be written; nothing else needs to be, except `writable`. `readable` names what
    it needs beyond the system's toolchain. `path` comes before the system's directories on PATH,
    and a bare `argv[0]` is looked up there. `env` is all it inherits. `reports` are files below `scratch` to be read back.
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
    limits: Limits = field(default_factory=Limits)
    network: bool = False


@dataclass(frozen=True)
class Completed:
    """How a command ended. Nothing of it is running any more.

    `exit_code` is None where it did not end by itself, and `trouble` then says why in a sentence;
    a negative code is the signal that ended it. `reports` has the files that were there, were
    regular files and were within their limit.
    """

    exit_code: int | None
    output: str
    seconds: float
    reports: Mapping[str, bytes] = field(default_factory=dict)
    trouble: str = ""

    def tail(self, lines: int = 15) -> str:
        """The last lines of what it printed."""
        return "\n".join(self.output.rstrip().splitlines()[-lines:])


class ExportableTree(Tree, Protocol):
    """A tree that can be written to a directory."""

    def export(self, into: Path) -> None:
        """Write all its files below `into`, which it creates."""
        ...


# (target id, tree): opens that tree of that target.
Trees = Callable[[str, str], ExportableTree]


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

    async def run(self, command: Command) -> Completed:
        """Run it to its end; cancelling kills it. After either, no process of it is left."""
        ...


@dataclass(frozen=True)
class Environment:
    """A virtual environment that can run a target's tests. `seconds` is what preparing took."""

    key: str
    python: Path
    bin: Path
    seconds: float
    cached: bool
    notes: tuple[str, ...] = ()


class Environments(Protocol):
    """Builds and keeps the targets' environments."""

    async def prepare(self, target_id: str, profile: TargetProfile, tree_oid: str) -> Environment:
        """The environment for that tree, built at most once per dependency set.

        Raises `Rejected` with code `setup_failed`: the last lines of output are in the message,
        the command to try by hand in the hint.
        """
        ...


class Suite(Protocol):
    """Runs a target's tests."""

    async def run(
        self,
        tree_oid: str,
        profile: TargetProfile,
        environment: Environment,
        tests: tuple[str, ...] = (),
        *,
        target_id: str,
    ) -> RunOutcome:
        """Run the tests of a tree, all of them or only those with these ids.

        An id that the tree does not have is simply not in the report.
        """
        ...


class Publisher(Protocol):
    """The part of the bus that the use cases speak through."""

    async def publish(self, message: Message, *, key: str, wave: str = "") -> None:
        """Say it once per `key`; raises `Transient` when nobody took it."""
        ...


@dataclass(frozen=True)
class Composition:
    """The head with patches on it, in order: the tree after each; those that do not apply, and why."""

    tree: str
    steps: tuple[tuple[str, str], ...] = ()
    failed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Refusal:
    """Why the target's landing branch did not move. `kind`: moved, checked_out, unreachable, other."""

    kind: str
    reason: str


@dataclass(frozen=True)
class Reverted:
    """The head without one of its commits; without a tree, where that conflicts."""

    tree: str | None
    conflicts: tuple[str, ...] = ()


class Repository(Protocol):
    """The private repository of one target, as the gate needs it. Everything in it blocks."""

    def refresh(self, target: Target) -> Head:
        """Fetch the target and find the head."""
        ...

    def check(self, patch: str, paths: Sequence[str], config: TargetConfig) -> str | None:
        """The rule that a patch breaks, in words."""
        ...

    def compose(self, head: str, patches: Sequence[tuple[str, str]]) -> Composition:
        """(id, patch) after (id, patch) on the head, in memory."""
        ...

    def invalid(self, head: str, steps: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
        """The first of these (id, tree after it) that makes valid Python invalid, and in which file."""
        ...

    def commit(self, tree: str, parent: str, message: str, when: datetime) -> str:
        """A commit that no branch has yet."""
        ...

    def publish(self, target: Target, tip: str, head: str) -> Refusal | None:
        """Move the landing branch from where it was at `refresh` to `tip`, here and in the target."""
        ...

    def landed(self, target: Target, ids: Sequence[str]) -> Mapping[str, str]:
        """Which of these enhancements the target's landing branch has, in which commits; newest first."""
        ...

    def reverted(self, target: Target, enhancement_id: str) -> str | None:
        """The commit that took it off again, if there is one."""
        ...

    def revert(self, head: str, commit: str) -> Reverted:
        """The head without what `commit` did."""
        ...
