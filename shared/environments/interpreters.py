"""Choice of the Python for a target's environment among those installed; none is downloaded."""

import asyncio
import json
import os
import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uv
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from shared.kernel.errors import Rejected

# Run by the interpreter itself, as what is on PATH may be a script that starts another one.
DESCRIBE_PROGRAM = (
    "import json, os, platform, sys; "
    "path = os.path.realpath(sys.executable); "
    "print(json.dumps([path, platform.python_version(), sys.base_prefix]))"
)
CanRead = Callable[[Path], bool]


@dataclass(frozen=True)
class Interpreter:
    """A Python interpreter, its full version, and the directory it is installed in."""

    path: Path
    version: str
    prefix: Path

    @property
    def required_directories(self) -> tuple[Path, ...]:
        """The directories that running it requires, by their names and with links resolved."""
        named = (self.prefix, self.path.parent.parent)
        return tuple(dict.fromkeys((*named, *(Path(os.path.realpath(each)) for each in named))))


def running_interpreter() -> Interpreter:
    """Return the Python that Groundswell runs on.

    It is the base interpreter, as our virtual environment may be removed while a target's stays.
    """
    path = Path(getattr(sys, "_base_executable", sys.executable))
    return Interpreter(path, platform.python_version(), Path(sys.base_prefix))


async def find_interpreter(
    requires_python: str, can_read: CanRead = lambda _: True, prefers: str = ""
) -> Interpreter:
    """Return the Python we run on if it is permitted, else one that uv finds on this machine.

    `requires_python` is a version specifier; one that cannot be parsed permits all. `prefers` is a
    version, or the beginning of one, that is chosen if it is installed and permitted. `can_read`
    tells whether the sandbox can show a path. Raises `Rejected` with code `setup_failed`.
    """
    narrow = ",".join(filter(None, (requires_python, f"=={prefers}.*" if prefers else "")))
    for wanted in dict.fromkeys((narrow, requires_python)):
        if (found := await _find(wanted, can_read)) is not None:
            return found
    wanted = requires_python or f">={running_interpreter().version.rpartition('.')[0]}"
    raise Rejected(
        f"This target needs Python {wanted}, and none was found here that its sandbox can show.",
        hint="Install one (`uv python install` with its version does it, or the system's package "
        "manager where Groundswell runs as root) and try again.",
        code="setup_failed",
    )


async def installed_interpreters(
    requires_python: str, can_read: CanRead = lambda _: True
) -> tuple[Interpreter, ...]:
    """Return the permitted Pythons on this machine that the sandbox can show, one per version.

    `requires_python` is a version specifier. The Python we run on comes first, if it is permitted.
    """
    ours, found = running_interpreter(), dict[str, Interpreter]()
    if is_permitted(requires_python, ours.version) and can_read(ours.path):
        found[minor_version(ours.version)] = ours
    for each in await _list_installed(requires_python):
        if minor_version(each["version"]) in found:
            continue
        described = await _describe(each, requires_python, can_read)
        if described is not None:
            found[minor_version(described.version)] = described
    return tuple(found.values())


async def _find(requires_python: str, can_read: CanRead) -> Interpreter | None:
    """Return the Python we run on if permitted, else another permitted one; None if none is."""
    ours = running_interpreter()
    if is_permitted(requires_python, ours.version) and can_read(ours.path):
        return ours
    for each in await _list_installed(requires_python):
        if (described := await _describe(each, requires_python, can_read)) is not None:
            return described
    return None


async def _list_installed(requires_python: str) -> list[dict[str, str]]:
    """Return the permitted Pythons on this machine as uv describes them, by path and version."""
    listed = await _output_of(
        *(uv.find_uv_bin(), "python", "list", "--only-installed", "--output-format", "json"),
        *("--no-python-downloads", *([requires_python] if requires_python else [])),
    )
    found: list[dict[str, str]] = json.loads(listed or "[]")
    return found


async def _describe(
    listed: dict[str, str], requires_python: str, can_read: CanRead
) -> Interpreter | None:
    """Return a listed interpreter as it describes itself, if it is permitted and can be shown."""
    described = await _output_of(listed["path"], "-I", "-c", DESCRIBE_PROGRAM)
    if not described or not is_permitted(requires_python, listed["version"]):
        return None
    program, version, prefix = json.loads(described)
    return Interpreter(Path(program), version, Path(prefix)) if can_read(Path(program)) else None


def is_permitted(requires_python: str, version: str) -> bool:
    """Return whether a version satisfies a specifier; true if that cannot be parsed."""
    try:
        return SpecifierSet(requires_python).contains(version, prereleases=True)
    except InvalidSpecifier:
        return True


def minor_version(version: str) -> str:
    """Return the first two numbers of a version: `3.12` for `3.12.4`."""
    return ".".join(version.split(".")[:2])


async def _output_of(*argv: str) -> str:
    """Return what a program prints; empty if it fails."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    output, _ = await process.communicate()
    return output.decode().strip() if process.returncode == 0 else ""
