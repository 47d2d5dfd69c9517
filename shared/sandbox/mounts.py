"""The system calls mount(2) and unshare(2), for a root process before it gives up its rights."""

import ctypes
import os

CLONE_NEWNS = 0x00020000
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 0x2, 0x4, 0x1000, 0x4000, 0x40000


def leave_host_namespace() -> None:
    """Enter a mount namespace of our own: later mounts are seen by this process tree alone."""
    _check(_libc().unshare(CLONE_NEWNS), "unshare")
    _mount(b"none", b"/", None, MS_REC | MS_PRIVATE)


def mount_memory(path: str) -> None:
    """Mount an empty memory file system at `path`, which every user may traverse."""
    _mount(b"tmpfs", path.encode(), b"tmpfs", MS_NOSUID | MS_NODEV, b"mode=755,size=1m")


def bind(source: str, path: str) -> None:
    """Mount the directory or file `source`, with all mounts below it, at `path` too."""
    _mount(source.encode(), path.encode(), None, MS_BIND | MS_REC)


def _mount(
    source: bytes, path: bytes, kind: bytes | None, flags: int, options: bytes | None = None
) -> None:
    """Call mount(2) with these arguments. Raises OSError."""
    _check(_libc().mount(source, path, kind, flags, options), f"mount {path.decode()}")


def _libc() -> ctypes.CDLL:
    """Return the C library, whose calls keep their errno for `ctypes.get_errno`."""
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    """Raise OSError for the call `what` unless its result is 0."""
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
