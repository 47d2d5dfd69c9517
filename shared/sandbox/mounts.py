"""mount(2) and unshare(2), for root before it gives up being root."""

import ctypes
import os

CLONE_NEWNS = 0x00020000
MS_NOSUID, MS_NODEV, MS_BIND, MS_REC, MS_PRIVATE = 0x2, 0x4, 0x1000, 0x4000, 0x40000


def leave_the_host() -> None:
    """From here on what this process mounts is seen by it and its children alone."""
    _check(_libc().unshare(CLONE_NEWNS), "unshare")
    _mount(b"none", b"/", None, MS_REC | MS_PRIVATE)


def mount_memory(place: str) -> None:
    """An empty file system in memory, which everybody may go through."""
    _mount(b"tmpfs", place.encode(), b"tmpfs", MS_NOSUID | MS_NODEV, b"mode=755,size=1m")


def bind(source: str, place: str) -> None:
    """Show a directory or a file, with all that is mounted below it, at another place too."""
    _mount(source.encode(), place.encode(), None, MS_BIND | MS_REC)


def _mount(
    source: bytes, place: bytes, kind: bytes | None, flags: int, options: bytes | None = None
) -> None:
    _check(_libc().mount(source, place, kind, flags, options), f"mount {place.decode()}")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _check(result: int, what: str) -> None:
    """Raises OSError with what was tried."""
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
