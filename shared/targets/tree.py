"""The files of one commit, read from git's objects without a work tree."""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pygit2

from shared.kernel.errors import Rejected

PERMISSIONS_OF_REGULAR_FILES = {
    pygit2.enums.FileMode.BLOB: 0o644,
    pygit2.enums.FileMode.BLOB_EXECUTABLE: 0o755,
}


class Tree(Protocol):
    """The files of a commit, or of something like it, by their POSIX paths."""

    @property
    def oid(self) -> str:
        """The git object id of the tree."""
        ...

    def files(self) -> tuple[str, ...]:
        """Return the paths of the regular files, sorted."""
        ...

    def read(self, path: str) -> bytes | None:
        """Return the content of a regular file; None if there is none at that path."""
        ...


@dataclass(frozen=True)
class TreeEntry:
    """A file, link or submodule in a git tree; `mode` is git's file mode."""

    path: str
    oid: pygit2.Oid
    mode: pygit2.enums.FileMode


class GitTree:
    """The `Tree` port over the objects of a git repository."""

    def __init__(self, repository: pygit2.Repository, tree: pygit2.Tree) -> None:
        self._repository = repository
        self._entries = {each.path: each for each in _walk(tree, "")}
        self.oid = str(tree.id)

    def files(self) -> tuple[str, ...]:
        return tuple(
            sorted(p for p, e in self._entries.items() if e.mode in PERMISSIONS_OF_REGULAR_FILES)
        )

    def paths(self) -> tuple[str, ...]:
        """Return all paths, those of links and submodules included."""
        return tuple(self._entries)

    def digest(self, wanted: Callable[[str], bool]) -> str:
        """Return a digest of the modes, contents and paths of the files whose paths are wanted."""
        entries = [f"{e.mode:o} {e.oid} {p}" for p, e in sorted(self._entries.items()) if wanted(p)]
        return hashlib.sha256("\0".join(entries).encode(errors="surrogateescape")).hexdigest()

    def read(self, path: str) -> bytes | None:
        entry = self._entries.get(path)
        if entry is None or entry.mode not in PERMISSIONS_OF_REGULAR_FILES:
            return None
        return self._blob(entry)

    def export(self, into: Path) -> None:
        """Write all files below a directory; links that lead out of it are left out."""
        into.mkdir(parents=True, exist_ok=True)
        existing = {""}
        for entry in self._entries.values():
            _make_parents(into, entry.path, existing)
            if entry.mode in PERMISSIONS_OF_REGULAR_FILES:
                _write(
                    into / entry.path, self._blob(entry), PERMISSIONS_OF_REGULAR_FILES[entry.mode]
                )
            elif entry.mode == pygit2.enums.FileMode.LINK:
                _link(into, entry.path, self._blob(entry))

    def _blob(self, entry: TreeEntry) -> bytes:
        blob = self._repository[entry.oid]
        if not isinstance(blob, pygit2.Blob):
            raise Rejected(f"{entry.path} is not a file.", code="not_a_file")
        return blob.data


def _walk(tree: pygit2.Tree, prefix: str) -> Iterator[TreeEntry]:
    for each in tree:
        path = f"{prefix}{each.name}"
        if isinstance(each, pygit2.Tree):
            yield from _walk(each, f"{path}/")
        else:
            yield TreeEntry(path, each.id, pygit2.enums.FileMode(each.filemode))


def _make_parents(into: Path, path: str, existing: set[str]) -> None:
    parent = path.rpartition("/")[0]
    if parent not in existing:
        (into / parent).mkdir(parents=True, exist_ok=True)
        existing.add(parent)


def _write(path: Path, data: bytes, mode: int) -> None:
    # O_EXCL and O_NOFOLLOW: an entry never overwrites, or writes through, another one.
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    descriptor = os.open(path, flags, mode)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
    finally:
        os.close(descriptor)


def _link(into: Path, path: str, target: bytes) -> None:
    to = os.fsdecode(target)
    inside = os.path.normpath(os.path.join(os.path.dirname(path), to))  # noqa: PTH118, PTH120
    if not os.path.isabs(to) and not inside.startswith(".."):  # noqa: PTH117
        (into / path).symlink_to(to)
