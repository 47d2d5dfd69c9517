"""Reading files that a command left behind, which may be hostile."""

import os
import stat
from contextlib import suppress
from pathlib import Path, PurePosixPath

DIRECTORY_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Non-blocking, so that opening a FIFO in place of the file does not hang.
FILE_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def read_back(below: Path | int, name: str, limit: int) -> bytes | None:
    """Return the content of the file `name` below a directory (a path or a descriptor of it).

    Returns None if it does not exist, is no regular file, is larger than `limit` bytes, or is
    reached through a link. Raises ValueError for a name that leads out of the directory.
    """
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or name.startswith("/"):
        raise ValueError(f"{name} does not name a file below {below}.")
    with suppress(OSError):
        folder = os.dup(below) if isinstance(below, int) else os.open(below, DIRECTORY_FLAGS)
        for part in parts[:-1]:
            folder = _enter(folder, part)
        return _read(folder, parts[-1], limit)
    return None


def _enter(folder: int, name: str) -> int:
    """Return a descriptor of a directory inside `folder`, and close that of `folder`."""
    try:
        return os.open(name, DIRECTORY_FLAGS, dir_fd=folder)
    finally:
        os.close(folder)


def _read(folder: int, name: str, limit: int) -> bytes | None:
    """Return the content of a regular file of at most `limit` bytes inside `folder`; else None.

    The descriptor `folder` is closed.
    """
    try:
        descriptor = os.open(name, FILE_FLAGS, dir_fd=folder)
    finally:
        os.close(folder)
    with open(descriptor, "rb") as file:  # noqa: PTH123  (a descriptor has no path)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        content = file.read(limit + 1)
    return content if len(content) <= limit else None
