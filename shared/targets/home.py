"""The directory in which Groundswell keeps its data on a machine."""

import os
from contextlib import suppress
from pathlib import Path

from shared.kernel.ids import uuid7


def default_home() -> Path:
    """Return `GROUNDSWELL_HOME`, else `groundswell` in the XDG data directory."""
    if home := os.environ.get("GROUNDSWELL_HOME"):
        return Path(home).expanduser().resolve()
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data).expanduser() / "groundswell"


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
