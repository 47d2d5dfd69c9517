"""The ports of environments, and the value they return."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shared.targets.profile import TargetProfile
from shared.targets.tree import Tree


class ExportableTree(Tree, Protocol):
    """A tree that can be written to a directory."""

    def export(self, into: Path) -> None:
        """Write all its files below `into`, which is created."""
        ...


# (target id, tree's object id) -> that tree of that target.
Trees = Callable[[str, str], ExportableTree]


@dataclass(frozen=True)
class Environment:
    """An environment that runs a target's tests; its programs are in `bin`.

    `readable` are the directories that a sandbox must show to use it. `seconds` is how long it took
    to prepare, and `notes` are sentences for people about what could not be done as asked.
    """

    key: str
    bin: Path
    readable: tuple[Path, ...]
    seconds: float
    cached: bool
    notes: tuple[str, ...] = ()

    def link_packages(self, workspace: Path) -> None:
        """Link Node's packages into a workspace, as Node looks for them beside the tree."""
        modules = self.bin.parent
        if modules.name == "node_modules" and modules.exists():
            (workspace / "node_modules").symlink_to(modules)


class Environments(Protocol):
    """Builds environments of targets, and keeps them."""

    async def prepare(self, target_id: str, profile: TargetProfile, tree_oid: str) -> Environment:
        """Return the environment for a tree, which is built at most once per dependency set.

        Raises `Rejected` with code `setup_failed`: its message has the last lines of output, its
        hint the command to try by hand.
        """
        ...
