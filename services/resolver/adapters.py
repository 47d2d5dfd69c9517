"""Adapters of the resolver: the files of targets, in their mirrors."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from shared.contracts.documents.targets import Target
from shared.kernel.errors import NotFound
from shared.targets.mirror import Mirror
from shared.targets.tree import GitTree


class MirrorReader:
    """The `TargetReader` port over the mirrors below `home`."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def read(self, target: Target, commit: str, paths: Iterable[str]) -> Mapping[str, bytes | None]:
        """Return the content of files at a commit; see the port."""
        tree = self._tree(target, commit)
        return {path: tree.read(path) for path in paths}

    def _tree(self, target: Target, commit: str) -> GitTree:
        """Return a commit's tree; the mirror is fetched if it lacks the commit."""
        mirror = Mirror.at(self._home, target.id)
        try:
            return mirror.tree(commit)
        except NotFound:
            mirror.fetch(target.location)
            return mirror.tree(commit)

    def newer(self, target: Target, one: str, other: str) -> str:
        """Return the newer of two commits; see the port."""
        mirror = Mirror.at(self._home, target.id)
        for commit in (one, other):
            self._tree(target, commit)
        return other if mirror.is_ancestor(one, other) else one
