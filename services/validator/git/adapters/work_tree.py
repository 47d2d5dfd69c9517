"""Moving a checked-out branch together with the files of its work tree.

Git would run the filters that the repository configures, on this machine. So the work tree is read
by libgit2, which has none, and written by ourselves, or the landing is refused.
"""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pygit2
from pygit2.enums import FileMode, FileStatus, RepositoryState

from services.validator.git.domain.patches import REGULAR_MODES
from shared.kernel.errors import Rejected
from shared.sandbox.readback import read_back
from shared.targets.names import path_problem
from shared.targets.owner import foreign_owner
from shared.targets.tree import blob_content
from shared.targets.writer import FolderWriter

# Before the umask, as git writes files.
PERMISSIONS = {FileMode.BLOB: 0o666, FileMode.BLOB_EXECUTABLE: 0o777}
UNCHANGED = {FileStatus.CURRENT, FileStatus.IGNORED, FileStatus.WT_NEW}


@dataclass(frozen=True)
class FileChange:
    """A file before and after a landing: contents and git modes, None and 0 where it is absent."""

    path: str
    before: bytes | None
    after: bytes | None
    before_mode: int
    after_mode: int


class WorkTree:
    """The work tree of a target, of which the checked-out branch moves from one commit to another.

    `objects` has both commits. What a crash interrupted is done again by the same calls.
    """

    def __init__(self, folder: Path, objects: pygit2.Repository, old: str, new: str) -> None:
        self._folder = folder
        self._objects = objects
        self._changes = tuple(_changes(objects, old, new))

    def obstacle(self) -> str:
        """Return why the files cannot be written, as an end of a sentence; empty if they can."""
        if foreign_owner(self._folder) is not None:
            return "it belongs to another user, and root would write files that are root's"
        try:
            repository = pygit2.Repository(str(self._folder))
            return self._obstacle(repository)
        except (pygit2.GitError, ValueError, OSError) as error:
            return f"it cannot be read: {error}"

    def _obstacle(self, repository: pygit2.Repository) -> str:
        """Return why the files cannot be written; empty if they can. Raises git's errors."""
        if repository.workdir is None or Path(repository.workdir) != self._folder.resolve():
            return "it is not a work tree of this repository"
        if repository.state() != RepositoryState.NONE:
            return "a merge or rebase is going on there"
        changing = {each.path for each in self._changes}
        submodules = {each.path for each in repository.index if each.mode == FileMode.COMMIT}
        for path, flags in repository.status(untracked_files="no").items():
            if flags not in UNCHANGED and path not in {*changing, *submodules}:
                return f"{path} has uncommitted changes"
        problems = (self._problem_of(each, repository) for each in self._changes)
        return next((each for each in problems if each), "")

    def _problem_of(self, change: FileChange, repository: pygit2.Repository) -> str:
        """Return why one file cannot be written, as an end of a sentence; empty if it can."""
        if problem := path_problem(change.path):
            return f"{change.path!r} is not written: {problem}"
        if {change.before_mode, change.after_mode} - {0, *REGULAR_MODES}:
            return f"{change.path} is not a regular file"
        if isinstance(driver := repository.get_attr(change.path, "filter"), str):
            return f"{change.path} goes through the filter {driver}, which is not run here"
        if not self._is_one_of(change, (change.before, change.after)):
            return f"{change.path} differs from the commit (edited, or its line ends are converted)"
        index = repository.index
        staged = str(index[change.path].id) if change.path in index else ""
        known = {_blob_id(change.before), _blob_id(change.after)}
        return "" if staged in known else f"{change.path} has staged changes"

    def _is_one_of(self, change: FileChange, contents: Sequence[bytes | None]) -> bool:
        """Return True if the file on disk has one of these contents; None stands for no file."""
        place = self._folder / change.path
        if not place.is_symlink() and not place.exists():
            return None in contents
        limit = max(len(each) for each in (change.before, change.after) if each is not None)
        found = read_back(self._folder, change.path, limit)
        return found is not None and found in contents

    def write(self) -> None:
        """Write the files and the index as they are after the landing. Raises `Rejected`."""
        self._put([(each, each.after, each.after_mode) for each in self._changes])

    def undo(self) -> None:
        """Write files and index as before the landing, except files edited meanwhile."""
        kept = [each for each in self._changes if self._is_one_of(each, (each.after,))]
        with suppress(Rejected):  # The index is locked: then it was not written before, either.
            self._put([(each, each.before, each.before_mode) for each in kept])

    def _put(self, wanted: Sequence[tuple[FileChange, bytes | None, int]]) -> None:
        """Write these (file, content, mode) to index and folder; content None deletes the file.

        Raises `Rejected` if the index is locked.
        """
        repository = pygit2.Repository(str(self._folder))
        index = repository.index
        for change, content, mode in wanted:
            if content is not None:
                blob = repository.create_blob(content)
                index.add(pygit2.IndexEntry(change.path, blob, FileMode(mode)))
            elif change.path in index:
                index.remove(change.path)
        try:
            index.write()
        except (pygit2.GitError, OSError) as error:
            raise Rejected(f"its index is in use: {error}", code="index_locked") from error
        with FolderWriter(self._folder) as writer:
            for change, content, mode in wanted:
                if content is None:
                    writer.delete(change.path)
                else:
                    writer.exchange(change.path, content, PERMISSIONS[FileMode(mode)])


def _changes(objects: pygit2.Repository, old: str, new: str) -> Iterator[FileChange]:
    """Yield each file in which two commits differ, with its content in both."""
    before, after = (objects.revparse_single(each).peel(pygit2.Tree) for each in (old, new))
    for delta in before.diff_to_tree(after).deltas:
        old_file, new_file = delta.old_file, delta.new_file
        contents = [_content(objects, each) for each in (old_file, new_file)]
        yield FileChange(
            new_file.path, contents[0], contents[1], int(old_file.mode), int(new_file.mode)
        )


def _content(objects: pygit2.Repository, file: pygit2.DiffFile) -> bytes | None:
    """Return one side of a difference; None if the file is absent there, empty if unreadable."""
    return (blob_content(objects.get(file.id)) or b"") if file.mode else None


def _blob_id(content: bytes | None) -> str:
    """Return the git object id of a content; empty without one."""
    return "" if content is None else str(pygit2.hash(content))
