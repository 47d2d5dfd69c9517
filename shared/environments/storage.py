"""Environments on disk: what says that one is ready, and which ones go when there are too many."""

import json
import os
import time
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from shared.environments import node
from shared.environments.interpreters import Interpreter
from shared.environments.ports import Environment
from shared.sandbox.scratch import remove_tree

# What was used this recently may be in use.
RECENT = 3600.0


@dataclass(frozen=True)
class Kept:
    """One environment's folder, and beside it, out of reach of what is built there, what is known of it."""

    folder: Path

    @property
    def lock(self) -> Path:
        """Held by whoever builds it."""
        return self.folder.with_suffix(".lock")

    @property
    def log(self) -> Path:
        """What the set-up printed."""
        return self.folder.with_suffix(".log")

    @property
    def _known(self) -> Path:
        return self.folder.with_suffix(".json")

    def ready(self, interpreter: Interpreter, for_node: bool) -> Environment | None:
        """The environment, where it was built to its end; its use is noted."""
        try:
            known = json.loads(self._known.read_text())
            os.utime(self._known)
        except (OSError, ValueError):
            return None
        return self._environment(interpreter, for_node, 0.0, tuple(known["notes"]), cached=True)

    def write_ready(
        self,
        interpreter: Interpreter,
        for_node: bool,
        seconds: float,
        notes: Sequence[str],
    ) -> Environment:
        """Say that it was built to its end."""
        unfinished = self._known.with_suffix(".new")
        size = _size(self.folder)
        unfinished.write_text(json.dumps({"notes": list(notes), "seconds": seconds, "size": size}))
        unfinished.rename(self._known)
        return self._environment(interpreter, for_node, seconds, tuple(notes), cached=False)

    def clear(self) -> None:
        """Remove it, what says that it is ready first."""
        self._known.unlink(missing_ok=True)
        if self.folder.exists():
            remove_tree(self.folder)

    def _environment(
        self,
        interpreter: Interpreter,
        for_node: bool,
        seconds: float,
        notes: tuple[str, ...],
        *,
        cached: bool,
    ) -> Environment:
        bin_ = self.folder / ("node_modules/.bin" if for_node else "bin")
        needs = node.needs() if for_node else interpreter.needs
        return Environment(self.folder.name, bin_, (self.folder, *needs), seconds, cached, notes)


def evict(environments: Path, caches: Path, most: int, wanted: AbstractSet[str]) -> list[str]:
    """Remove what was used longest ago until no more than `most` bytes are kept; the names of what went."""
    kept = sorted(_kept(environments, caches), key=lambda each: each[1])
    total = sum(size for _, _, size in kept)
    gone = []
    for path, used, size in kept:
        if total <= most:
            break
        if path.name in wanted or time.time() - used < RECENT:  # noqa: TID251
            continue
        if path.parent == environments:
            Kept(path).clear()
        else:
            remove_tree(path)
        total -= size
        gone.append(path.name)
    return gone


def _kept(environments: Path, caches: Path) -> Iterator[tuple[Path, float, int]]:
    """Path, time of last use and size of each environment and each target's package cache."""
    for known in environments.glob("*.json"):
        with suppress(OSError, ValueError):
            size = int(json.loads(known.read_text())["size"])
            yield known.with_suffix(""), known.stat().st_mtime, size
    for cache in caches.iterdir() if caches.exists() else ():
        yield cache, cache.stat().st_mtime, _size(cache)


def _size(folder: Path) -> int:
    """Bytes on disk; links are not followed."""
    total = 0
    for _, _, names, directory in os.fwalk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(name, dir_fd=directory).st_blocks * 512
    return total
