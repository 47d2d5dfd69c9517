"""Where Groundswell keeps what it owns on a machine."""

import os
from contextlib import suppress
from pathlib import Path

from shared.kernel.ids import uuid7


def default_home() -> Path:
    """`GROUNDSWELL_HOME`, else `groundswell` in the XDG data directory."""
    if home := os.environ.get("GROUNDSWELL_HOME"):
        return Path(home).expanduser().resolve()
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data).expanduser() / "groundswell"


def identity_of(home: Path) -> str:
    """A name that all processes of a home share, and no other home has; made when first asked for."""
    path = home / "identity"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        mine = home / f"identity.{os.getpid()}"
        mine.write_text(uuid7())
        with suppress(FileExistsError):
            os.link(mine, path)
        mine.unlink()
    return path.read_text()
