"""The machine that the coordinator runs on."""

import os
import shutil
from pathlib import Path

import psutil

from shared.machine.memory import free_memory


class LocalMachine:
    """What there is of this machine; `home` is where the services keep their files."""

    def __init__(self, home: Path) -> None:
        self._home = home

    def free_bytes(self) -> int:
        """Return how much disk is free where the home is."""
        return shutil.disk_usage(self._home).free

    def load(self) -> float:
        """Return the load average of the last minute per core."""
        return os.getloadavg()[0] / (os.cpu_count() or 1)

    def free_memory(self) -> float:
        """Return the share of memory that is free."""
        return free_memory() / psutil.virtual_memory().total
