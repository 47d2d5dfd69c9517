"""What an environment is, and what it takes to make one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shared.targets.profile import TargetProfile
from shared.targets.tree import Tree


class ExportableTree(Tree, Protocol):
    """A tree that can be written to a directory."""

    def export(self, into: Path) -> None:
        """Write all its files below `into`, which it creates."""
        ...


# (target id, tree): opens that tree of that target.
Trees = Callable[[str, str], ExportableTree]


@dataclass(frozen=True)
class Environment:
    """What runs a target's tests: its programs are in `bin`.

    `readable` are the directories that a sandbox must show for that. `seconds` is what preparing took.
    """

    key: str
    bin: Path
    readable: tuple[Path, ...]
    seconds: float
    cached: bool
    notes: tuple[str, ...] = ()

    def link_packages(self, room: Path) -> None:
        """Put into a command's room what is looked for beside its tree: Node's packages are."""
        modules = self.bin.parent
        if modules.name == "node_modules" and modules.exists():
            (room / "node_modules").symlink_to(modules)


class Environments(Protocol):
    """Builds and keeps the targets' environments."""

    async def prepare(self, target_id: str, profile: TargetProfile, tree_oid: str) -> Environment:
        """The environment for that tree, built at most once per dependency set.

        Raises `Rejected` with code `setup_failed`: the last lines of output are in the message,
        the command to try by hand in the hint.
        """
        ...
