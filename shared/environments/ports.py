"""The ports of environments, and the value they return."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from shared.environments.generated import has_compiled_modules, unpack_generated
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
class PytestPlugin:
    """A plugin that pytest loads by an entry point: its distribution, name and module."""

    distribution: str
    name: str
    module: str


@dataclass(frozen=True)
class Environment:
    """An environment that runs a target's tests; its programs are in `bin`.

    `readable` are the directories that a sandbox must show to use it. `seconds` is how long it took
    to prepare, and `notes` are sentences for people about what could not be done as asked.

    `roots` are the directories of a tree from which its projects are imported, as a developer's
    editable installs have them; `plugins` are pytest's in it. `generated` is an archive of the
    files that the set-up made in the tree. All three are whatever the set-up made of them.
    """

    key: str
    bin: Path
    readable: tuple[Path, ...]
    seconds: float
    cached: bool
    notes: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    plugins: tuple[PytestPlugin, ...] = ()
    generated: Path | None = None

    @property
    def has_compiled_modules(self) -> bool:
        """True if its set-up compiled modules in the tree."""
        return has_compiled_modules(self.generated)

    def add_generated(self, tree: Path) -> None:
        """Write what the set-up made into an exported tree, as it is in a developer's checkout."""
        if self.generated is not None:
            unpack_generated(self.generated, tree)

    def import_path(self, tree: Path, first: Sequence[str]) -> list[str]:
        """Return the directories from which an exported tree is imported, those `first` before."""
        return [str(tree / each) for each in dict.fromkeys((*first, *self.roots))]

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
