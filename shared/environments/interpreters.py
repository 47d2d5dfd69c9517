"""Which Python a target's environment is made with. Nothing is ever downloaded for it."""

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

# Asked of the program itself: what lies on PATH may be a script that starts another one.
ASK = (
    "import json, os, platform, sys; "
    "print(json.dumps([os.path.realpath(sys.executable), platform.python_version(), sys.base_prefix]))"
)
CanRead = Callable[[Path], bool]


@dataclass(frozen=True)
class Interpreter:
    """A Python, its full version, and the directory it is installed in."""

    path: Path
    version: str
    prefix: Path

    @property
    def needs(self) -> tuple[Path, ...]:
        """The directories that running it takes, by their names and as what these are links to."""
        named = (self.prefix, self.path.parent.parent)
        return tuple(dict.fromkeys((*named, *(Path(os.path.realpath(each)) for each in named))))


def running_interpreter() -> Interpreter:
    """The Python we run on: the base, as our own virtual environment may go while the target's stays."""
    path = Path(getattr(sys, "_base_executable", sys.executable))
    return Interpreter(path, platform.python_version(), Path(sys.base_prefix))


async def find_interpreter(
    requires_python: str, can_read: CanRead = lambda _: True, prefers: str = ""
) -> Interpreter:
    """The Python we run on where it is admitted, else one that uv finds on this machine.

    `prefers` is a version, or the beginning of one, that is taken where it is here and admitted.
    `can_read` says whether the sandbox can show it. A requirement that cannot be read admits all.
    Raises `Rejected` with code `setup_failed`.
    """
    narrow = ",".join(filter(None, (requires_python, f"=={prefers}.*" if prefers else "")))
    for wanted in dict.fromkeys((narrow, requires_python)):
        if (found := await _find(wanted, can_read)) is not None:
            return found
    wanted = requires_python or f">={running_interpreter().version.rpartition('.')[0]}"
    raise Rejected(
        f"This target needs Python {wanted}, and no such Python was found here that its sandbox can show.",
        hint="Install one (`uv python install` with its version does it, or the system's package "
        "manager where Groundswell runs as root) and try again.",
        code="setup_failed",
    )


async def _find(requires_python: str, can_read: CanRead) -> Interpreter | None:
    ours = running_interpreter()
    if admits(requires_python, ours.version) and can_read(ours.path):
        return ours
    listed = await _ask(
        *(uv.find_uv_bin(), "python", "list", "--only-installed", "--output-format", "json"),
        *("--no-python-downloads", *([requires_python] if requires_python else [])),
    )
    for each in json.loads(listed or "[]"):
        said = await _ask(each["path"], "-I", "-c", ASK)
        if said and admits(requires_python, each["version"]):
            program, version, prefix = json.loads(said)
            if can_read(Path(program)):
                return Interpreter(Path(program), version, Path(prefix))
    return None


def admits(requires_python: str, version: str) -> bool:
    """Whether `requires-python` admits a version; true where it cannot be read."""
    try:
        return SpecifierSet(requires_python).contains(version, prereleases=True)
    except InvalidSpecifier:
        return True


async def _ask(*argv: str) -> str:
    """What a program of ours or of the system prints; nothing where it fails."""
    process = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    said, _ = await process.communicate()
    return said.decode().strip() if process.returncode == 0 else ""
