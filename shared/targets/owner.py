"""The user whom a repository belongs to, where we are root and it is somebody else's."""

import os
from dataclasses import dataclass
from pathlib import Path

from shared.targets.location import is_on_this_machine, local_path


@dataclass(frozen=True)
class Owner:
    """A user of this machine, with the group of the user's files."""

    uid: int
    gid: int


def is_foreign(location: str) -> bool:
    """Return whether we are root, and a repository on this machine is another user's."""
    return is_on_this_machine(location) and foreign_owner(local_path(location)) is not None


def foreign_owner(path: Path) -> Owner | None:
    """Return the owner of a file or folder if we are root and it is another user's, else None.

    What root writes there would be root's, and the owner could not change it any more.
    """
    if os.geteuid() != 0:
        return None
    found = path.stat()
    return Owner(found.st_uid, found.st_gid) if found.st_uid != 0 else None
