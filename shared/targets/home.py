"""Where Groundswell keeps what it owns on a machine."""

import os
from pathlib import Path


def default_home() -> Path:
    """`GROUNDSWELL_HOME`, else `groundswell` in the XDG data directory."""
    if home := os.environ.get("GROUNDSWELL_HOME"):
        return Path(home).expanduser().resolve()
    data = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(data).expanduser() / "groundswell"
