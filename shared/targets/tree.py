"""The files of one commit, read from git's objects: no work tree is needed to look at a target."""

import hashlib
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pygit2

from shared.kernel.errors import Rejected

REGULAR = {pygit2.enums.FileMode.BLOB: 0o644, pygit2.enums.FileMode.BLOB_EXECUTABLE: 0o755}


class Tree(Protocol):
    """A tree of files by posix path."""

    @property
    def oid(self) -> str:
        """Its git object id."""
        ...

    def files(self) -> tuple[str, ...]:
        """The paths of the regular files, sorted."""
        ...

    def read(self, path: str) -> bytes | None:
        """The bytes of a regular file; None where there is none."""
        ...


@dataclass(frozen=True)
class TreeEntry:
    """One file as git has it: `mode` is git's."""

    path: str
    oid: pygit2.Oid
    mode: pygit2.enums.FileMode


class GitTree:
    """`Tree` over a repository's objects."""

    def __init__(self, repository: pygit2.Repository, tree: pygit2.Tree) -> None:
        self._repository = repository
        self._entries = {each.path: each for each in _walk(tree, "")}
        self.oid = str(tree.id)

    def files(self) -> tuple[str, ...]:
        return tuple(sorted(p for p, e in self._entries.items() if e.mode in REGULAR))

    def paths(self) -> tuple[str, ...]:
        """All paths, also those of links and submodules."""
        return tuple(self._entries)

    def digest(self, wanted: Callable[[str], bool]) -> str:
        """What the files with these paths are, in one digest; the others may be as they like."""
        mine = [f"{e.mode:o} {e.oid} {p}" for p, e in sorted(self._entries.items()) if wanted(p)]
        return hashlib.sha256("\0".join(mine).encode(errors="surrogateescape")).hexdigest()

    def read(self, path: str) -> bytes | None:
        entry = self._entries.get(path)
        if entry is None or entry.mode not in REGULAR:
            return None
        return self._blob(entry)

    def export(self, into: Path) -> None:
        """Write every file below `into`. A link is written only where it stays inside."""
        into.mkdir(parents=True, exist_ok=True)
        made = {""}
        for entry in self._entries.values():
            _make_parents(into, entry.path, made)
            if entry.mode in REGULAR:
                _write(into / entry.path, self._blob(entry), REGULAR[entry.mode])
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


def _make_parents(into: Path, path: str, made: set[str]) -> None:
    parent = path.rpartition("/")[0]
    if parent not in made:
        (into / parent).mkdir(parents=True, exist_ok=True)
        made.add(parent)


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
