"""The files of one commit, read from git's objects without a work tree.

This is the only reader of trees, and refuses entries that are not safe to write to disk.
"""

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pygit2
from pygit2.enums import FileMode, ObjectType

from shared.kernel.errors import Rejected
from shared.targets.links import MAX_TARGET_BYTES, links_inside
from shared.targets.names import name_problem, placement_problem
from shared.targets.writer import FolderWriter

PERMISSIONS_OF_REGULAR_FILES = {FileMode.BLOB: 0o644, FileMode.BLOB_EXECUTABLE: 0o755}
# One entry of a tree object: mode, name, and the 20 bytes of the id.
RAW_ENTRY = re.compile(rb"([0-7]{1,7}) ([^\0]*)\0(.{20})", re.DOTALL)
# A tree may name one folder many times over, level by level: a few kilobytes can unfold to
# billions of files.
MAX_ENTRIES = 1_000_000
MAX_REMEMBERED_BYTES, MAX_REMEMBERED_BLOB_BYTES = 32 << 20, 1 << 20
MODES_BY_TYPE = {
    stat.S_IFLNK: FileMode.LINK,
    stat.S_IFDIR: FileMode.TREE,
    stat.S_IFDIR | stat.S_IFLNK: FileMode.COMMIT,
}


class Tree(Protocol):
    """The files of a commit, or of something like it, by their POSIX paths."""

    @property
    def oid(self) -> str:
        """A key of its content: the object id of a tree that git has, else an id made of it."""
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
    mode: FileMode


class GitTree:
    """The `Tree` port over the objects of a git repository; `tree` is the id of one of them.

    Raises `Rejected`, which names the entry, if the tree has one that is not safe to write to disk.
    """

    def __init__(self, repository: pygit2.Repository, tree: pygit2.Oid) -> None:
        self._repository = repository
        self._entries = {each.path: each for each in read_entries(repository, tree)}
        self.oid = str(tree)

    def files(self) -> tuple[str, ...]:
        """Return the paths of the regular files, sorted."""
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
        """Return the content of a regular file; None if there is none at that path."""
        entry = self._entries.get(path)
        if entry is None or entry.mode not in PERMISSIONS_OF_REGULAR_FILES:
            return None
        return self._blob(entry)

    def export(self, into: Path) -> None:
        """Write all files below a directory, then the links that stay inside of it."""
        links = {}
        with FolderWriter(into) as writer:
            for entry in self._entries.values():
                if permissions := PERMISSIONS_OF_REGULAR_FILES.get(entry.mode):
                    writer.create(entry.path, self._blob(entry), permissions)
                elif entry.mode == FileMode.LINK:
                    links[entry.path] = os.fsdecode(self._blob(entry)[: MAX_TARGET_BYTES + 1])
            for path, target in links_inside(links, self._folders()) if links else ():
                writer.link(path, target)

    def _folders(self) -> set[str]:
        """Return the paths of all folders."""
        folders: set[str] = set()
        for path in self._entries:
            above = path.rpartition("/")[0]
            while above and above not in folders:
                folders.add(above)
                above = above.rpartition("/")[0]
        return folders

    def _blob(self, entry: TreeEntry) -> bytes:
        """Return the content of an entry. Raises `Rejected` where its object is no blob."""
        return _blobs.read(self._repository, entry)


class _RememberedBlobs:
    """The contents of files by repository and object id: many trees share most of their files."""

    def __init__(self) -> None:
        self._contents: dict[tuple[str, pygit2.Oid], bytes] = {}
        self._bytes = 0

    def read(self, repository: pygit2.Repository, entry: TreeEntry) -> bytes:
        """Return the content of an entry. Raises `Rejected` where its object is no blob."""
        key = repository.path, entry.oid
        known = self._contents.get(key)
        if known is not None:
            return known
        content = blob_content(repository.get(entry.oid))
        if content is None:
            raise Rejected(f"{entry.path!r} is not a file.", code="not_a_file")
        if len(content) <= MAX_REMEMBERED_BLOB_BYTES:
            self._remember(key, content)
        return content

    def _remember(self, key: tuple[str, pygit2.Oid], content: bytes) -> None:
        """Remember one more content, and nothing else if that would be too much."""
        if self._bytes + len(content) > MAX_REMEMBERED_BYTES:
            self._contents, self._bytes = {}, 0
        self._contents[key] = content
        self._bytes += len(content)


_blobs = _RememberedBlobs()


def blob_content(found: pygit2.Object | None) -> bytes | None:
    """Return the content of a git object; None where it is missing or is no blob."""
    return found.data if isinstance(found, pygit2.Blob) else None


def read_entries(repository: pygit2.Repository, tree: pygit2.Oid) -> Iterator[TreeEntry]:
    """Yield the files, links and submodules of a tree in git's order.

    Raises `Rejected`, which names the entry, where one is not safe to write to disk.
    """
    count = 0
    # What is left of each folder on the way.
    pending = [_raw_entries(repository, tree, "")]
    while pending:
        entry = next(pending[-1], None)
        if entry is None:
            pending.pop()
            continue
        count += 1
        if count > MAX_ENTRIES:
            raise unsafe_entry(entry.path, f"the tree has more than {MAX_ENTRIES:,} entries")
        if problem := placement_problem(os.fsencode(entry.path), len(pending)):
            raise unsafe_entry(entry.path, problem)
        if entry.mode == FileMode.TREE:
            pending.append(_raw_entries(repository, entry.oid, f"{entry.path}/"))
        else:
            yield entry


def unsafe_entry(path: str, problem: str) -> Rejected:
    """Return the error about an entry of a tree that must not be written to disk."""
    return Rejected(
        f"The repository has an entry that is not safe to write to disk: {path!r}: {problem}.",
        hint="Remove it from the branch. Git itself does not make such entries: look at who did.",
        code="unsafe_tree",
    )


def _raw_entries(
    repository: pygit2.Repository, tree: pygit2.Oid, prefix: str
) -> Iterator[TreeEntry]:
    """Yield the entries of one tree object as they are stored, which libgit2 does not check."""
    folder = prefix.rstrip("/") or "."
    try:
        kind, data = repository.odb.read(tree)
    except (KeyError, pygit2.GitError) as error:
        raise unsafe_entry(folder, f"its tree {tree} cannot be read") from error
    if kind != ObjectType.TREE:
        raise unsafe_entry(folder, f"its object {tree} is not a tree")
    names: set[bytes] = set()
    position = 0
    while position < len(data):
        found = RAW_ENTRY.match(data, position)
        if found is None:
            raise unsafe_entry(folder, f"its tree {tree} is damaged")
        position = found.end()
        mode, name, oid = found.groups()
        path = prefix + os.fsdecode(name)
        if problem := name_problem(name):
            raise unsafe_entry(path, problem)
        if name in names:
            raise unsafe_entry(path, "the name occurs twice in its folder")
        names.add(name)
        yield TreeEntry(path, pygit2.Oid(raw=oid), _mode(int(mode, 8), path))


def _mode(raw: int, path: str) -> FileMode:
    """Return the mode as git understands it; old trees have others for regular files."""
    kind = stat.S_IFMT(raw)
    if kind == stat.S_IFREG:
        return FileMode.BLOB_EXECUTABLE if raw & stat.S_IXUSR else FileMode.BLOB
    if kind not in MODES_BY_TYPE:
        raise unsafe_entry(path, f"its mode {raw:o} is none of git's")
    return MODES_BY_TYPE[kind]


def is_typed(path: str, tree: Tree) -> bool:
    """Return whether a package around the file publishes its types, by a file `py.typed`."""
    parts = path.split("/")[:-1]
    folders = ("/".join([*parts[:n], "py.typed"]) for n in range(len(parts) + 1))
    return any(tree.read(each) is not None for each in folders)
