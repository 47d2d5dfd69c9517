"""Reading what a command left behind, as data from a stranger."""

import os
import stat
from contextlib import suppress
from pathlib import Path, PurePosixPath

DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Non-blocking, so that a FIFO in the file's place does not stop us.
FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def read_back(below: Path | int, name: str, limit: int) -> bytes | None:
    """The content of a regular file below a directory or its descriptor, no link followed on the way.

    None where there is no such file, where it is anything but a regular file, or where it has more
    than `limit` bytes.
    """
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or name.startswith("/"):
        raise ValueError(f"{name} does not name a file below {below}.")
    with suppress(OSError):
        folder = os.dup(below) if isinstance(below, int) else os.open(below, DIRECTORY)
        for part in parts[:-1]:
            folder = _step(folder, part)
        return _read(folder, parts[-1], limit)
    return None


def _step(folder: int, name: str) -> int:
    try:
        return os.open(name, DIRECTORY, dir_fd=folder)
    finally:
        os.close(folder)


def _read(folder: int, name: str, limit: int) -> bytes | None:
    try:
        descriptor = os.open(name, FILE, dir_fd=folder)
    finally:
        os.close(folder)
    with open(descriptor, "rb") as file:  # noqa: PTH123  (a descriptor has no path)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None
        content = file.read(limit + 1)
    return content if len(content) <= limit else None
