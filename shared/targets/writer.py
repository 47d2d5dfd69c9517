"""Writing files below a folder so that nothing outside of it can be reached.

Each folder of a path is entered by a descriptor and never through a link, whatever is there.
"""

import errno
import os
import secrets
import shutil
import stat
from pathlib import Path
from types import TracebackType
from typing import Self

from shared.kernel.errors import Rejected
from shared.targets.names import path_problem

FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_EXCL and O_NOFOLLOW: a file never overwrites, or writes through, another entry.
NEW_FILE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
PATH_ERRORS = {
    *(errno.EEXIST, errno.ELOOP, errno.ENOTDIR, errno.EISDIR),
    *(errno.ENAMETOOLONG, errno.EILSEQ, errno.EINVAL),
}
OLD_FILE_FLAGS = os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class FolderWriter:
    """Writes files and links below `root`, which is created. Paths are relative and POSIX.

    Every method raises `Rejected`, which names the path, if a path is not one below the root.
    """

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._root = os.open(root, FOLDER_FLAGS)
        # The folders on the way to the last path, outermost first: trees are written in order.
        self._open: list[tuple[str, int]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._leave_to(0)
        os.close(self._root)

    def create(self, path: str, data: bytes, permissions: int = 0o644) -> None:
        """Write a new file. Raises `Rejected` where something is at its path, or a link above."""
        try:
            folder, name = self._enter_parent(path)
            _write(os.open(name, NEW_FILE_FLAGS, permissions, dir_fd=folder), data)
        except OSError as error:
            raise _refused(path, error) from error

    def link(self, path: str, target: str) -> None:
        """Make a symbolic link. Where its target leads is for the caller to know."""
        try:
            folder, name = self._enter_parent(path)
            os.symlink(target, name, dir_fd=folder)
        except (OSError, ValueError) as error:
            raise _refused(path, error) from error

    def replace(self, path: str, data: bytes, permissions: int = 0o644) -> None:
        """Write a file in place of what is at its path; a link or file above becomes a folder."""
        try:
            folder, name = self._enter_parent(path, replacing=True)
            _remove(folder, name)
            _write(os.open(name, NEW_FILE_FLAGS, permissions, dir_fd=folder), data)
        except OSError as error:
            raise _refused(path, error) from error

    def exchange(self, path: str, data: bytes, permissions: int = 0o644) -> None:
        """Put a file at a path in one step, so that a crash leaves either the old or the new.

        A link at the path itself is replaced. Raises `Rejected` where a link or a file is above it.
        """
        try:
            folder, name = self._enter_parent(path)
            unfinished = f".{secrets.token_hex(8)}.unfinished"
            _write(os.open(unfinished, NEW_FILE_FLAGS, permissions, dir_fd=folder), data)
            try:
                os.replace(unfinished, name, src_dir_fd=folder, dst_dir_fd=folder)
            except OSError:
                os.unlink(unfinished, dir_fd=folder)
                raise
        except OSError as error:
            raise _refused(path, error) from error

    def delete(self, path: str) -> None:
        """Delete a file, and the folders above it that become empty; a missing one is ignored."""
        try:
            folder, name = self._enter_parent(path, making=False)
            os.unlink(name, dir_fd=folder)
            while self._open:
                empty, descriptor = self._open.pop()
                os.close(descriptor)
                os.rmdir(empty, dir_fd=self._open[-1][1] if self._open else self._root)
        except OSError as error:
            if error.errno not in {errno.ENOENT, errno.ENOTEMPTY}:
                raise _refused(path, error) from error

    def overwrite(self, path: str, data: bytes) -> bool:
        """Write into a regular file that is reached without a link; return False if it is none."""
        try:
            folder, name = self._enter_parent(path, making=False)
            descriptor = os.open(name, OLD_FILE_FLAGS, dir_fd=folder)
        except OSError:
            return False
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            return False
        os.ftruncate(descriptor, 0)
        _write(descriptor, data)
        return True

    def _enter_parent(
        self, path: str, *, making: bool = True, replacing: bool = False
    ) -> tuple[int, str]:
        """Return a descriptor of a path's folder, made if `making`, and the path's last name."""
        if problem := path_problem(path):
            raise Rejected(f"{path!r} is not written: {problem}.", code="unsafe_path")
        *folders, name = path.split("/")
        common = 0
        for (known, _), wanted in zip(self._open, folders, strict=False):
            if known != wanted:
                break
            common += 1
        self._leave_to(common)
        for each in folders[common:]:
            above = self._open[-1][1] if self._open else self._root
            self._open.append((each, _enter(above, each, making=making, replacing=replacing)))
        return (self._open[-1][1] if self._open else self._root), name

    def _leave_to(self, depth: int) -> None:
        """Close the open folders, except the outermost `depth` of them."""
        while len(self._open) > depth:
            os.close(self._open.pop()[1])


def _enter(above: int, name: str, *, making: bool, replacing: bool) -> int:
    """Open a folder inside another one, and return its descriptor.

    With `making` a missing one is made; with `replacing` also in place of a file or link.
    """
    if making or replacing:
        try:
            os.mkdir(name, dir_fd=above)
        except FileExistsError:
            if replacing and not stat.S_ISDIR(_mode(above, name)):
                os.unlink(name, dir_fd=above)
                os.mkdir(name, dir_fd=above)
    return os.open(name, FOLDER_FLAGS, dir_fd=above)


def _remove(folder: int, name: str) -> None:
    """Delete an entry of a folder, and all below it, if it exists."""
    try:
        if stat.S_ISDIR(_mode(folder, name)):
            shutil.rmtree(name, dir_fd=folder)
        else:
            os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return


def _mode(folder: int, name: str) -> int:
    """Return the mode of an entry of a folder; links are not followed."""
    return os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode


def _write(descriptor: int, data: bytes) -> None:
    """Write all data to a descriptor, and close it."""
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
    finally:
        os.close(descriptor)


def _refused(path: str, error: Exception) -> Exception:
    """Return the error to raise: `Rejected` if the path is at fault, else (full disk) as it is."""
    if isinstance(error, OSError) and error.errno not in PATH_ERRORS:
        return error
    return Rejected(f"{path!r} cannot be written: {error}.", code="unsafe_path")
