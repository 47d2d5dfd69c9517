"""The files that a set-up made in its tree: compiled modules, a `_version.py`, generated code."""

import os
import tarfile
from pathlib import Path, PurePosixPath

COMPILED_SUFFIXES = (".so", ".pyd", ".dylib")


def unpack_generated(archive: Path, tree: Path) -> None:
    """Write the files of an archive into a tree, except where the tree has something already.

    The archive may be hostile: only regular files below the tree are written, and through no link.
    """
    top, size = os.path.realpath(tree), archive.stat().st_size
    # Neither compressed nor sparse: it must not become larger than it is.
    with tarfile.open(archive, "r:") as files:
        for member in files:
            is_plain = member.type in {tarfile.REGTYPE, tarfile.AREGTYPE} and member.size <= size
            content = files.extractfile(member) if is_plain and is_plain_path(member.name) else None
            if content is not None:
                _write(tree / member.name, content.read(), top, member.mode)


def _write(place: Path, content: bytes, top: str, mode: int) -> None:
    """Create a file, executable as `mode` says; do nothing if it exists or is not below `top`."""
    if os.path.commonpath((top, os.path.realpath(place.parent))) != top:
        return
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        descriptor = os.open(place, flags, 0o755 if mode & 0o100 else 0o644)
    except OSError:
        return
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def is_plain_path(name: str) -> bool:
    """Return whether a name is a relative path without parent directories and git's files."""
    parts = PurePosixPath(name).parts
    return bool(parts) and not name.startswith("/") and not {"..", ".git"} & set(parts)


def has_compiled_modules(archive: Path | None) -> bool:
    """Return whether an archive has compiled modules."""
    if archive is None:
        return False
    with tarfile.open(archive, "r:") as files:
        return any(name.endswith(COMPILED_SUFFIXES) for name in files.getnames())
