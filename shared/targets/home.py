"""The directory in which Groundswell keeps its data on a machine."""

import os
import stat
from contextlib import suppress
from pathlib import Path

from shared.kernel.errors import Rejected
from shared.kernel.ids import uuid7
from shared.sandbox.job import UNPRIVILEGED_UID

PRIVATE_MODE = 0o700
# The group may pass through, without listing anything.
TRAVERSABLE_MODE = 0o710


def default_home() -> Path:
    """Return `GROUNDSWELL_HOME`, else `groundswell` in the XDG data directory.

    Raises `Rejected` where the home directory of a user that it names cannot be found.
    """
    if home := os.environ.get("GROUNDSWELL_HOME"):
        return _expand_user(home).resolve()
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return _expand_user(data) / "groundswell"


def _expand_user(path: str) -> Path:
    """Return a path with `~` replaced. Raises `Rejected` for a user without a home."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise Rejected(
            f"{path} names a user who has no home directory here.",
            hint="Set GROUNDSWELL_HOME to a directory by its full path.",
            code="home_unusable",
        ) from error


def make_private_home(home: Path) -> None:
    """Create the home if it is missing, and close it to all other users of this machine.

    As root, the group of the sandbox's own unprivileged user may pass through to the files that a
    command of a target is given. Raises `Rejected` where the home belongs to somebody else, and
    `OSError` where it cannot be created.
    """
    home.mkdir(mode=PRIVATE_MODE, parents=True, exist_ok=True)
    found = home.stat()
    if found.st_uid != os.geteuid():
        raise Rejected(
            f"{home} belongs to another user.",
            hint="Set GROUNDSWELL_HOME to a directory of your own.",
            code="home_not_ours",
        )
    mode = PRIVATE_MODE
    if os.geteuid() == 0:
        os.chown(home, 0, UNPRIVILEGED_UID)
        mode = TRAVERSABLE_MODE
    if stat.S_IMODE(found.st_mode) != mode:
        home.chmod(mode)


def write_private(path: Path, text: str) -> None:
    """Write a file that only this user can read, all at once."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.new")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    unfinished.replace(path)


def identity_of(home: Path) -> str:
    """Return the unique id of a home, which all its processes share; the first call makes it."""
    path = home / "identity"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        # A link is made by one process only; the others read what that one wrote.
        candidate = home / f"identity.{os.getpid()}"
        candidate.write_text(uuid7())
        with suppress(FileExistsError):
            os.link(candidate, path)
        candidate.unlink()
    return path.read_text()
