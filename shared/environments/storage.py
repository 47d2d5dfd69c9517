"""Environments on disk: their ready files, and the eviction of those used longest ago."""

import hashlib
import json
import os
import time
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any

from shared.environments import node
from shared.environments.generated import is_plain_path
from shared.environments.interpreters import Interpreter
from shared.environments.ports import Environment, PytestPlugin
from shared.sandbox.scratch import remove_tree

# What was used more recently may be in use and is not evicted.
MIN_IDLE_SECONDS = 3600.0
# The unit of st_blocks, whatever the file system's own.
BLOCK_BYTES = 512


@dataclass(frozen=True)
class SetupResult:
    """What a set-up has left besides the environment: see the fields of `Environment`.

    `archive` is the content of the archive of generated files, None without any. `contents` is a
    digest of what is in the environment, empty if it is not known.
    """

    notes: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    plugins: tuple[PytestPlugin, ...] = ()
    archive: bytes | None = None
    contents: str = ""

    def digest(self, owner: str) -> str:
        """Return a digest by which two builds of an owner are the same; empty if not known."""
        parts = (owner, self.contents, self.notes, self.roots, [*map(astuple, self.plugins)])
        text = json.dumps(parts).encode() + (self.archive or b"")
        return hashlib.sha256(text).hexdigest() if self.contents else ""


def read_setup_result(
    described: bytes | None, archive: bytes | None, notes: Iterable[str]
) -> SetupResult:
    """Return what `inspect_setup` wrote, as far as it is plausible: it may be hostile."""
    try:
        found = json.loads(described or b"{}")
        roots = [each for each in found.get("roots", ()) if each == "." or is_plain_path(each)]
        plugins = [PytestPlugin(*map(str, each)) for each in found.get("plugins", ())]
        own = [str(found["note"])] if found.get("note") else []
        contents = str(found.get("contents", ""))
    except (ValueError, TypeError, AttributeError, RecursionError):
        roots, plugins, own, contents = [], [], [], ""
    return SetupResult((*notes, *own), tuple(roots), tuple(plugins), archive, contents)


@dataclass(frozen=True)
class StoredEnvironment:
    """The folder of one environment, and files beside it, which its build cannot reach."""

    folder: Path

    @property
    def lock(self) -> Path:
        """The lock file that the process holds which builds it."""
        return self.folder.with_suffix(".lock")

    @property
    def log(self) -> Path:
        """The log of its build."""
        return self.folder.with_suffix(".log")

    @property
    def generated(self) -> Path:
        """The archive of the files that its set-up made in the tree; it may not exist."""
        return self.folder.with_suffix(".tar")

    @property
    def _ready_file(self) -> Path:
        """The JSON file that marks a completed build and describes its result."""
        return self.folder.with_suffix(".json")

    def find_ready(self, interpreter: Interpreter, for_node: bool) -> Environment | None:
        """Return the environment if its build was completed, else None; record that it is used.

        Where it turned out the same as another one, that is returned.
        """
        try:
            ready = json.loads(self._ready_file.read_text())
            os.utime(self._ready_file)
        except (OSError, ValueError):
            return None
        if "same_as" in ready:
            other = StoredEnvironment(self.folder.with_name(ready["same_as"]))
            return other.find_ready(interpreter, for_node)
        return replace(self._environment(interpreter, for_node, ready), seconds=0.0, cached=True)

    def write_ready(
        self,
        interpreter: Interpreter,
        for_node: bool,
        seconds: float,
        left: SetupResult,
        owner: str,
    ) -> Environment:
        """Record that the build was completed, and what it has left.

        If the same `owner` has another environment with the same content, this one is removed, and
        the other one stands for it: what was measured in that one holds here as well.
        """
        digest = left.digest(owner)
        if digest and (same := self._find_same(digest)) is not None:
            found = same.find_ready(interpreter, for_node)
            if found is not None:
                self.clear()
                self._write_ready_file({"same_as": same.folder.name, "size": 0})
                return replace(found, seconds=seconds, cached=False)
        if left.archive is not None:
            self.generated.write_bytes(left.archive)
        ready = {
            "notes": list(left.notes),
            "roots": list(left.roots),
            "plugins": [list(astuple(each)) for each in left.plugins],
            "seconds": seconds,
            "size": _size(self.folder) + len(left.archive or b""),
            "digest": digest,
        }
        self._write_ready_file(ready)
        return self._environment(interpreter, for_node, ready)

    def _find_same(self, digest: str) -> "StoredEnvironment | None":
        """Return another completed environment with this digest, if there is one."""
        for path in sorted(self.folder.parent.glob("*.json")):
            with suppress(OSError, ValueError):
                if (
                    path != self._ready_file
                    and json.loads(path.read_text()).get("digest") == digest
                ):
                    return StoredEnvironment(path.with_suffix(""))
        return None

    def _write_ready_file(self, ready: dict[str, Any]) -> None:
        """Write the ready file, which appears as a whole."""
        unfinished = self._ready_file.with_suffix(".new")
        unfinished.write_text(json.dumps(ready))
        unfinished.rename(self._ready_file)

    def clear(self) -> None:
        """Remove the environment, its ready file first."""
        self._ready_file.unlink(missing_ok=True)
        self.generated.unlink(missing_ok=True)
        if self.folder.exists():
            remove_tree(self.folder)

    def _environment(
        self, interpreter: Interpreter, for_node: bool, ready: dict[str, Any]
    ) -> Environment:
        """Return the environment that the content of a ready file describes."""
        bin_ = self.folder / ("node_modules/.bin" if for_node else "bin")
        required = node.required_directories() if for_node else interpreter.required_directories
        return Environment(
            key=self.folder.name,
            bin=bin_,
            readable=(self.folder, *required),
            seconds=ready["seconds"],
            cached=False,
            notes=tuple(ready["notes"]),
            roots=tuple(ready["roots"]),
            plugins=tuple(PytestPlugin(*each) for each in ready["plugins"]),
            generated=self.generated if self.generated.exists() else None,
        )


def evict(environments: Path, caches: Path, max_bytes: int, wanted: AbstractSet[str]) -> list[str]:
    """Remove environments and package caches until they take at most `max_bytes`.

    Those used longest ago are removed first, and never those named in `wanted` or used recently.
    Returns the names of what was removed.
    """
    stored = sorted(_stored(environments, caches), key=lambda each: each[1])
    total = sum(size for _, _, size in stored)
    removed = []
    for path, used, size in stored:
        if total <= max_bytes:
            break
        if path.name in wanted or time.time() - used < MIN_IDLE_SECONDS:  # noqa: TID251
            continue
        if path.parent == environments:
            StoredEnvironment(path).clear()
        else:
            remove_tree(path)
        total -= size
        removed.append(path.name)
    return removed


def _stored(environments: Path, caches: Path) -> Iterator[tuple[Path, float, int]]:
    """Yield path, time of last use and size of each environment and each target's package cache."""
    for ready_file in environments.glob("*.json"):
        with suppress(OSError, ValueError):
            size = int(json.loads(ready_file.read_text())["size"])
            yield ready_file.with_suffix(""), ready_file.stat().st_mtime, size
    for cache in caches.iterdir() if caches.exists() else ():
        yield cache, cache.stat().st_mtime, _size(cache)


def _size(folder: Path) -> int:
    """Return the bytes that a folder takes on disk; links are not followed."""
    total = 0
    for _, _, names, directory in os.fwalk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(name, dir_fd=directory).st_blocks * BLOCK_BYTES
    return total
